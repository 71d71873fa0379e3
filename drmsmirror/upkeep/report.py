"""What upkeep did, and what it left."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.errors import DrmsMirrorError

__all__ = ["Done", "Failed", "Left", "Maintenance"]


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was carried out.

    Parameters
    ----------
    series : str
        Empty where it is about the whole mirror.
    what : str
        In words.
    bytes : int
        What it freed.
    seconds : float
        Time that it took.
    """

    series: str
    what: str
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Left:
    """A step that is due and was not begun.

    Parameters
    ----------
    series, what, bytes
        As of :class:`Done`.
    why : str
    """

    series: str
    what: str
    bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Upkeep of a series, or of the mirror, that an error ended.

    Parameters
    ----------
    series : str
        Empty where it is about the whole mirror.
    error : DrmsMirrorError
    """

    series: str
    error: DrmsMirrorError


@dataclass(frozen=True, slots=True)
class Maintenance:
    """All that came of it.

    Parameters
    ----------
    done : tuple of Done
    left : tuple of Left
    failed : tuple of Failed
    """

    done: tuple[Done, ...] = ()
    left: tuple[Left, ...] = ()
    failed: tuple[Failed, ...] = ()
