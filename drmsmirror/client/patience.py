"""Refuse what the upstream would take too long to answer, before it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from drmsmirror.errors import TooSlowError
from drmsmirror.model.parts import Part
from drmsmirror.sharing import SharedUpstream

__all__ = ["refuse_too_much"]


def refuse_too_much(
    upstream: SharedUpstream,
    parts: Sequence[Part],
    *,
    n: int | None,
    wait: float | None,
    most_records: int,
    advice: str,
) -> None:
    """Estimate what some questions cost; the upstream counts where the questions do not tell.

    Parameters
    ----------
    upstream : SharedUpstream
    parts : sequence of Part
    n : int, optional
        The first or last records only.
    wait : float, optional
        Seconds that the upstream gets; None for as long as it takes.
    most_records : int
        Records that one question may have.
    advice : str
        How to get the records otherwise.

    Raises
    ------
    TooSlowError
        It would take longer, or be more than one answer can have.
    """
    records = _records(upstream, parts, n, most_records, wait)
    seconds = sum(upstream.estimate(count) for count in records)
    total = sum(records)
    if max(records, default=0) > most_records:
        problem = f"more than the {most_records:,} that one question may have"
    elif wait is not None and seconds > wait:
        problem = f"which takes it about {seconds:,.0f} s; it gets {wait:g} s (--wait)"
    else:
        return
    raise TooSlowError(
        f"The upstream would have to list {total:,} records for this, {problem}. {advice}"
    )


def _records(
    upstream: SharedUpstream,
    parts: Iterable[Part],
    n: int | None,
    most_records: int,
    wait: float | None,
) -> list[int]:
    """How many records each question has at most; counted only where that may matter."""
    counts = []
    for part in parts:
        limits = [limit for limit in (part.most, abs(n) if n else None) if limit is not None]
        most = min(limits, default=None)
        if most is None or most > most_records or _may_be_slow(upstream, most, wait):
            counted = upstream.count(part.text)
            most = counted if most is None else min(counted, most)
        counts.append(most)
    return counts


def _may_be_slow(upstream: SharedUpstream, records: int, wait: float | None) -> bool:
    return wait is not None and upstream.estimate(records) > wait / 2
