"""A question as it was put."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was put.

    Parameters
    ----------
    ds : str
        Record set.
    keys, segments, links : tuple of str
        What is to be listed of each record.
    n : int, optional
        The first ``n`` records of each set, or the last ``-n``.
    """

    ds: str
    keys: tuple[str, ...]
    segments: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    n: int | None = None
