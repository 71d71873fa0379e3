"""``[sync]``: how much one run takes on."""

from __future__ import annotations

from pydantic import Field

from drmsmirror.settings.section import LONGEST_WAIT, Section

__all__ = ["SyncSettings"]

#: Most records in one window: they are in memory together.
_MOST_RECORDS = 10_000_000


class SyncSettings(Section):
    """How much one run of ``sync`` takes on."""

    first_window: int = Field(
        200, ge=1, le=_MOST_RECORDS, description="Records in the first window of a backfill."
    )
    max_window: int = Field(
        20_000, ge=1, le=_MOST_RECORDS, description="Most records in one window."
    )
    window_seconds: float = Field(15.0, gt=0, description="Time that a window aims at, seconds.")
    window_mib: float = Field(8.0, gt=0, description="Answer size that a window aims at, MiB.")
    lag_hours: float = Field(
        168.0,
        ge=0,
        description="Where the upstream gives no record numbers, hours before the newest record "
        "that are read again each time.",
    )
    reconcile_seconds: float = Field(
        300.0, ge=0, description="Seconds a night that comparing with the upstream may take."
    )
    reconcile_mib: float = Field(50.0, ge=0, description="Size of the answers for it, MiB a night.")
    tell_within: float = Field(
        10.0,
        gt=0,
        le=LONGEST_WAIT,
        description="Seconds within which a run says what lies ahead, or what it knows by then.",
    )
    max_run: float = Field(
        3600.0, gt=0, description="Without a terminal, seconds after which a run stops; it exits 0."
    )
    ask_above_minutes: float = Field(
        30.0, ge=0, description="On a terminal, ask first where more time than this lies ahead."
    )
    ask_above_gib: float = Field(
        1.0, ge=0, description="On a terminal, ask first where more is to be fetched or stored."
    )
