"""An upstream that changes, and remembers what it said at each moment: the model of a mirror.

The model is plain: for each moment a dictionary of records by number, as they were printed, and
what of it was listed: of each combination of prime keys the record with the largest number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tests.jsoc import Keyword, SampleJsoc, Series, load_definition
from tests.unit.sync.mirrors import truth

__all__ = ["KEYS", "NAME", "Cell", "Chronicle", "Moment", "Part", "Row", "position_text"]

NAME = "hmi.sharp_720s"
KEYS = ("*recnum*", "HARPNUM", "T_REC", "DATE", "QUALITY", "USFLUX")

_KEPT = ("HARPNUM", "T_REC", "T_REC_epoch", "T_REC_step", "T_REC_unit", "T_REC_index", *KEYS[3:])
_START = datetime(2014, 1, 1, tzinfo=UTC)

#: A record as it was printed, in the order of `KEYS`.
Row = tuple[Any, ...]

#: A combination of prime keys: region, and position on the axis, None where the time is missing.
Cell = tuple[int, int | None]


def position_text(position: int) -> str:
    """A position on the axis as a time."""
    return f"{_START + timedelta(minutes=12 * position):%Y.%m.%d_%H:%M:%S}_TAI"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the series that prime keys cut out; nothing named means all of it."""

    regions: tuple[int, ...] = ()
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        regions = ",".join(map(str, self.regions))
        if self.first is None or self.last is None:
            return f"{NAME}[{regions}]" if regions else NAME
        return f"{NAME}[{regions}][{position_text(self.first)}-{position_text(self.last)}]"

    def __contains__(self, cell: Cell) -> bool:
        region, position = cell
        if self.regions and region not in self.regions:
            return False
        if self.first is None or self.last is None:
            return True
        return position is not None and self.first <= position <= self.last


@dataclass(frozen=True, slots=True)
class Moment:
    """What the upstream had from a time on."""

    utc: datetime
    series: Series
    #: By record number, all versions.
    records: dict[int, tuple[Cell, Row]]
    #: By prime keys, the record that is listed.
    listed: dict[Cell, Row]

    @property
    def top(self) -> int:
        """The largest record number."""
        return max(self.records, default=0)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change that record numbers do not tell: of a number that had been issued before.

    ``was_there`` says whether the record was there the moment before; else its number may have been
    issued long ago.
    """

    moment: int
    cell: Cell
    number: int
    was_there: bool


class Chronicle:
    """A sample upstream and its past.

    Parameters
    ----------
    jsoc : SampleJsoc
        Without the series; it is made here, without records.
    now : list of datetime
        One time: the present, moved by whoever lets time pass.
    """

    def __init__(self, jsoc: SampleJsoc, now: list[datetime]) -> None:
        self.jsoc, self.now = jsoc, now
        self.moments: list[Moment] = []
        self.doubts: list[Doubt] = []
        self.newest = 0
        self._positions: dict[str, int | None] = {}
        jsoc.add(_empty())
        self.note()

    # -- what happens -----------------------------------------------------------------------------

    def append(self, cells: list[Cell], values: list[float], *, far: bool) -> None:
        """Records come; where ``far``, many numbers were issued to other series' records before."""
        for (region, position), value in zip(cells, values, strict=True):
            columns: dict[str, Any] = {
                "HARPNUM": [region],
                "T_REC": [None if position is None else position_text(position)],
            }
            if far:
                columns["recnum"] = [max(self.numbers(), default=0) + 1500]
                far = False
            self._append(columns | self._values(value))
            self.newest = max(self.newest, position or 0)
        self.note()

    def revise(self, which: int, value: float) -> None:
        """A record is reprocessed: the same prime keys, a new number."""
        if numbers := self.numbers():
            self.jsoc.revise(NAME, [numbers[which % len(numbers)]], self._values(value))
            self.note()

    def change_in_place(self, which: int, value: float, *, dated: bool) -> None:
        """A record has other values under its number, a new DATE among them where ``dated``."""
        if numbers := self.numbers():
            values = self._values(value) if dated else {"USFLUX": [value]}
            self.jsoc.change_in_place(NAME, [numbers[which % len(numbers)]], values)
            self.note()

    def vanish(self, which: int) -> None:
        """A record is no longer there."""
        if numbers := self.numbers():
            self.jsoc.remove(NAME, [numbers[which % len(numbers)]])
            self.note()

    def roll_back(self, steps: int) -> None:
        """All is as it was so many moments ago, and numbers are issued again from there."""
        before = self.moments[max(0, len(self.moments) - 1 - steps)].series
        missing = self.definition.keywords[len(before.definition.keywords) :]
        self.jsoc.add(before)
        for keyword in missing:  # a keyword that goes again is a matter of its own
            self.jsoc.add_keyword(NAME, keyword, 1.0)
        self.note()

    def rebuild(self) -> None:
        """The series is built anew under its name: what is listed, numbered anew, backwards."""
        series = self.jsoc.series(NAME)
        latest = series.without(~series.latest)
        count = latest.rows
        columns = dict(latest.take(np.arange(count)[::-1]))
        columns["recnum"] = np.arange(1, count + 1)
        columns["sunum"] = columns["sunum"] + 7
        self.jsoc.add(Series(series.definition, columns))
        self.note()

    def add_keyword(self) -> None:
        """The series gains a keyword."""
        number = len(self.definition.keywords) - len(_KEPT)
        if number < 2:
            self.jsoc.add_keyword(NAME, Keyword(f"EXTRA{number}", "float", format="%.3f"), 1.0)
            self.note()

    def note(self) -> None:
        """Remember what the upstream has now."""
        texts = truth(self.jsoc, f"{NAME}[! 1=1 !]", KEYS)
        rows = [tuple(row) for row in zip(*(texts[key] for key in KEYS), strict=True)]
        records = {int(row[0]): (self._cell(row), row) for row in rows}
        listed = {cell: row for _, (cell, row) in sorted(records.items())}
        moment = Moment(self.now[0], self.jsoc.series(NAME), records, listed)
        if self.moments:
            self.doubts += self._doubts(self.moments[-1].records, records)
        self.moments.append(moment)

    # -- what was said ----------------------------------------------------------------------------

    @property
    def definition(self) -> Any:
        """The series' definition as it is now."""
        return self.jsoc.series(NAME).definition

    @property
    def current(self) -> int:
        """Index of the present moment."""
        return len(self.moments) - 1

    def numbers(self) -> list[int]:
        """Numbers of all records that are there."""
        return sorted(self.jsoc.series(NAME).columns["recnum"].tolist())

    def at(self, utc: datetime) -> int:
        """Index of the moment that a time lies in."""
        return max(i for i, moment in enumerate(self.moments) if moment.utc <= utc)

    def cell_of(self, row: Row) -> Cell:
        """The prime keys of a printed record."""
        return self._cell(row)

    def cells(self) -> set[Cell]:
        """Every combination of prime keys of which there ever was a record."""
        return {cell for moment in self.moments for cell, _ in moment.records.values()}

    def ever(self, cell: Cell) -> Iterator[Row]:
        """Every record that there ever was of these prime keys."""
        for moment in self.moments:
            yield from (row for other, row in moment.records.values() if other == cell)

    # -- inside -----------------------------------------------------------------------------------

    def _append(self, columns: dict[str, Any]) -> None:
        self.jsoc.append(NAME, columns)

    def _values(self, value: float) -> dict[str, Any]:
        """Values of a record, with a DATE that no other has."""
        dated = _START + timedelta(days=400, seconds=len(self.moments))
        return {
            "DATE": [f"{dated:%Y.%m.%d_%H:%M:%S}_UTC"],
            "QUALITY": [int(value) % 3],
            "USFLUX": [value],
        }

    def _cell(self, row: Row) -> Cell:
        if not self._positions:
            self._positions = {position_text(number): number for number in range(1000)}
        return int(row[1]), self._positions.get(row[2])

    def _doubts(
        self, before: dict[int, tuple[Cell, Row]], now: dict[int, tuple[Cell, Row]]
    ) -> Iterator[Doubt]:
        moment = len(self.moments)
        top = max(one.top for one in self.moments)
        for number, (cell, row) in before.items():
            if now.get(number) != (cell, row):
                yield Doubt(moment, cell, number, was_there=True)
        for number, (cell, row) in now.items():
            if number <= top and before.get(number) != (cell, row):
                yield Doubt(moment, cell, number, was_there=number in before)


def _empty() -> Series:
    """The series without records, and with few keywords."""
    base = load_definition(NAME)
    kept = tuple(one for one in base.keywords if one.name in _KEPT)
    definition = replace(base, keywords=kept, segments=(), links=())
    columns = {name: np.zeros(0, np.int64) for name in ("recnum", "sunum", "slotnum")}
    for keyword in kept:
        if not keyword.is_constant:
            columns[keyword.name.lower()] = np.zeros(0, keyword.dtype)
    return Series(definition, columns)
