"""``[records]``: how record tables are written."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import Section

__all__ = ["RecordSettings"]


class RecordSettings(Section):
    """How record tables are written."""

    target_file_mib: int = Field(
        128, ge=1, le=2**20, description="Size that compaction aims at, MiB."
    )
    compact_above_files: int = Field(
        32, ge=2, description="Compact a partition that has more small files than this."
    )
