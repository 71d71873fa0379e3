"""Times: a million texts to seconds and back, as columns.

The canonical forms are those that series print; the floor is NumPy's own reading and printing of as
many ISO dates, which knows neither zones nor leap seconds. The other forms are for information.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from drmsmirror.model.times import format_times, parse_times
from scripts.bench.measure import Figure

__all__ = ["run"]

_ROWS = {"small": 100_000, "full": 1_000_000}
_MOST_SECONDS = 1.5  # for a million; "about a second"
_CANONICAL = (("TAI", 0), ("TAI", 3), ("ISO", 0), ("UTC", 2))
_BEGIN, _STEP = 1_051_747_200.0, 45.0  # 2010.05.01_TAI, and the cadence of hmi.M_45s
_NUMPY_BEGIN = np.datetime64("2010-05-01T00:00:00")

#: Other spellings of a canonical text.
_OTHER: dict[str, Callable[[str], str]] = {
    "dashes and a blank": lambda text: text.replace(".", "-").replace("_", " ", 1),
    "a month by its name": lambda text: text[:5] + _MONTHS[int(text[5:7])] + text[7:],
    "an offset": lambda text: text.replace("_TAI", "+0200"),
    "no clock": lambda text: text[:10] + "_TAI",
    "a Julian day": lambda text: f"JD_24{int(text[8:10]) + 55317}.{text[11:13]}",
}
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def run(size: str) -> list[Figure]:
    """Measure; that the answers are right is the conformance tests' business."""
    rows = _ROWS[size]
    seconds = _BEGIN + _STEP * np.arange(rows)
    stamps = _NUMPY_BEGIN + (np.arange(rows) * int(_STEP)).astype("timedelta64[s]")
    words = np.datetime_as_string(stamps)
    print_floor = _seconds(lambda: np.datetime_as_string(stamps))
    read_floor = _seconds(lambda: words.astype("datetime64[s]"))
    figures = []
    for zone, precision in _CANONICAL:
        texts = format_times(seconds, zone, precision)
        printing = _seconds(lambda z=zone, p=precision: format_times(seconds, z, p))
        reading = _seconds(lambda t=texts: parse_times(t))
        figures += [
            _figure(f"print {rows:,} times, {zone} {precision}", rows, printing, print_floor),
            _figure(f"read them, {texts[0].decode()}", rows, reading, read_floor),
        ]
    plain = [text.decode() for text in format_times(seconds, "TAI", 0)]
    for name, spelled in _OTHER.items():
        others = pa.array([spelled(text) for text in plain])
        reading = _seconds(lambda t=others: parse_times(t))
        figures.append(_figure(f"read {name}, {others[0].as_py()}", rows, reading, None))
    return figures


def _seconds(action: Callable[[], object]) -> float:
    """The best of three."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _figure(what: str, rows: int, seconds: float, floor: float | None) -> Figure:
    per_million = seconds * 1_000_000 / rows
    return Figure(
        "times",
        what,
        f"{per_million:.2f} s a million",
        "" if floor is None else f"{floor * 1_000_000 / rows:.2f} s (NumPy, ISO alone)",
        "" if floor is None else f"{seconds / floor:.1f}",
        "" if floor is None else f"below {_MOST_SECONDS:g} s",
        None if floor is None else per_million < _MOST_SECONDS,
    )
