"""``[upkeep]``: what is kept for how long."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import LONGEST_WAIT, Section

__all__ = ["UpkeepSettings"]


class UpkeepSettings(Section):
    """What is kept for how long, and how much of a sync goes into that."""

    after_sync: float = Field(
        300.0,
        ge=0,
        le=LONGEST_WAIT,
        description="Most seconds that the upkeep of a series takes at the end of a sync; 0: none.",
    )
    keep_hours: int = Field(
        24,
        ge=0,
        le=10_000,
        description="Hours for which superseded files and logs are kept for those who still read "
        "them; 0 only where nobody reads meanwhile.",
    )
    keep_runs: int = Field(
        1000,
        ge=1,
        description="Runs of each series that the catalogue remembers; tagged ones stay.",
    )
    scrub_days: int = Field(
        30,
        ge=0,
        le=10_000,
        description="Days after which a file of records is read again, to see whether it is "
        "sound; 0: never.",
    )
    scrub_mib: int = Field(
        256,
        ge=0,
        le=2**40,
        description="Most of them that is read at the end of a sync, MiB; 0: none.",
    )
