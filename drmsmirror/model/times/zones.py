"""The time zones that DRMS reads and prints (DRMS semantics 2.5, 2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["OFFSET_PATTERN", "ZONE_PATTERN", "Zone", "find_zone"]


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone.

    Parameters
    ----------
    name : str
        As it is printed: upper case, or ``+hhmm``.
    shift : float
        Seconds by which its clocks are ahead of UTC where ``civil``, else ahead of TAI.
    civil : bool
        Whether it follows UTC, so that it has leap seconds.
    """

    name: str
    shift: float
    civil: bool

    @property
    def suffix(self) -> str:
        """How the zone follows a printed clock: ``_TAI``, ``Z``, ``+0530``."""
        return self.name if len(self.name) == 1 or self.name[0] in "+-" else f"_{self.name}"


_AHEAD_OF_TAI: Final = {"TAI": 0.0, "TT": 32.184, "TDT": 32.184, "GPS": -19.0}

# Hours ahead of UTC. IST, SST and other names that several countries use are left out.
_CIVIL_HOURS: Final = {
    "UTC": 0, "UT": 0, "GMT": 0, "WET": 0,
    "BST": 1, "CET": 1, "MET": 1, "WEST": 1,
    "CEST": 2, "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "ADT": -3, "AST": -4, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7,
    "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9, "HST": -10,
}  # fmt: skip

# A to M without J go east, N to Y west.
_MILITARY_HOURS: Final = (
    {letter: hours for hours, letter in enumerate("ABCDEFGHIKLM", start=1)}
    | {letter: -hours for hours, letter in enumerate("NOPQRSTUVWXY", start=1)}
    | {"Z": 0}
)

# No zone is more than fourteen hours from UTC. DRMS takes any four digits for an offset and so
# swallows the year in "2014-01-01T00:00:00-2014-01-01T01:00:00"; with the limit it cannot.
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4])[0-5][0-9]", re.ASCII)

_NAMES = sorted([*_AHEAD_OF_TAI, *_CIVIL_HOURS, *_MILITARY_HOURS], key=len, reverse=True)

#: Regular expression of a numeric offset, for use inside others.
OFFSET_PATTERN: Final = rf"{_OFFSET.pattern}(?![0-9.:])"

#: Regular expression of a zone, for use inside others.
ZONE_PATTERN: Final = rf"(?:(?i:{'|'.join(_NAMES)})(?![A-Za-z0-9])|{OFFSET_PATTERN})"


@lru_cache(maxsize=256)
def find_zone(name: str) -> Zone | None:
    """Find the zone of that name, in any case.

    Parameters
    ----------
    name : str
        ``TAI``, ``TT``, ``TDT``, ``GPS``, ``UTC``, ``UT``, ``GMT``, a civil zone, a military letter
        or a numeric offset ``+hhmm``.

    Returns
    -------
    Zone or None
        None where there is no such zone.

    Notes
    -----
    DRMS reads an unknown name as the military zone of its first letter (``TDB`` as ``T``, seven
    hours from UTC). Here an unknown name is no zone.
    """
    name = name.upper()
    if name in _AHEAD_OF_TAI:
        return Zone(name, _AHEAD_OF_TAI[name], civil=False)
    if name in _CIVIL_HOURS:
        return Zone(name, _CIVIL_HOURS[name] * 3600.0, civil=True)
    if name in _MILITARY_HOURS:
        return Zone(name, _MILITARY_HOURS[name] * 3600.0, civil=True)
    if _OFFSET.fullmatch(name):
        seconds = int(name[1:3]) * 3600.0 + int(name[3:5]) * 60.0
        return Zone(name, -seconds if name[0] == "-" else seconds, civil=True)
    return None
