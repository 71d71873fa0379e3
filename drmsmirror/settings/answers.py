"""``[answers]``: answers of the upstream that are kept."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import Section

__all__ = ["AnswerSettings"]


class AnswerSettings(Section):
    """Answers of the upstream that are kept for whoever asks the same."""

    max_mib: int = Field(
        512,
        ge=0,
        le=2**40,
        description="Most that kept answers of the upstream take, MiB; 0 keeps each for a minute.",
    )
