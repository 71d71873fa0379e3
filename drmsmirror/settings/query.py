"""``[query]``: how questions are answered."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import LONGEST_WAIT, Section

__all__ = ["QuerySettings"]


class QuerySettings(Section):
    """How questions are answered that the mirror cannot answer by itself."""

    wait: float = Field(
        30.0,
        gt=0,
        le=LONGEST_WAIT,
        description="Seconds that the upstream gets for one question, retries included.",
    )
    open_end_hours: float = Field(
        24.0,
        ge=0,
        description="Hours after which the upstream is asked for records newer than all held.",
    )
