"""A mirror, an upstream that changes, a clock that is moved, and a model of what is held.

The model is a plain list of records for each moment of the upstream, and for each combination of
prime keys the moment as of which the mirror holds it.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from drmsmirror.catalogue import Catalogue
from drmsmirror.client.answer import Answer
from drmsmirror.client.answering import Answering
from drmsmirror.client.definitions import Definitions
from drmsmirror.client.question import Asked
from drmsmirror.client.terms import Policy, Terms
from drmsmirror.mirror import Mirror, catalogue_place
from drmsmirror.model.extent import extent_of
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import harvest_keys
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync import sync
from drmsmirror.sync.store import WindowStore
from drmsmirror.sync.target import read_target
from drmsmirror.upstream import Body, Jsoc, Traffic
from tests.jsoc import Request, SampleJsoc, Series
from tests.jsoc.select import select
from tests.unit.sync.mirrors import series, settings_for, truth

GOOD = "QUALITY >= 0"
KEYS = ("*recnum*", "QUALITY", "VALUE")
POSITIONS = 8

AUTO = Terms()

#: A combination of prime keys: position on the axis, None where it is missing, and the other key.
Cell = tuple[int | None, int]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A series by whose axis the questions are put."""

    name: str
    axis: str
    other: str
    value: str
    step: float
    #: How a position is written in a record set.
    written: str

    def seconds(self, position: int | None) -> float | None:
        """The axis value of a position, TAI seconds."""
        return None if position is None else 1051747200.0 + self.step * position

    def text(self, position: int) -> str:
        """A position in a record set."""
        seconds = round(self.step * position)
        return f"2010.05.01_{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}_TAI"


KINDS = (
    Kind("hmi.M_45s", "T_REC", "CAMERA", "DATAMEAN", 45.0, "slots"),
    Kind("test.timekey", "OBSTIME", "DET", "VAL", 100.0, "times"),
)


@dataclasses.dataclass
class DirectSession:
    """Asks the sample upstream without a network, and remembers what."""

    jsoc: SampleJsoc
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    traffic: Traffic = dataclasses.field(default_factory=Traffic)

    def get(self, cgi: str, params: Mapping[str, str], deadline: object = None) -> Body:
        """The answer to one request."""
        op, ds = params.get("op", ""), params.get("ds", "")
        self.asked.append((op, ds))
        self.traffic += Traffic(1, 0, 0.0)
        return Body(self.jsoc.respond(Request(cgi, op, ds, dict(params))).body, 0.0, cgi)


@dataclasses.dataclass
class World:
    """A mirror, its upstream, and the model of both."""

    kind: Kind
    jsoc: SampleJsoc
    mirror: Mirror
    session: DirectSession
    now: list[datetime]
    moments: list[Series]
    #: By combination of keys, index and time of the moment as of which all is held.
    held: dict[Cell, tuple[int, datetime]] = dataclasses.field(default_factory=dict)
    #: The same for records that satisfy the condition.
    held_good: dict[Cell, tuple[int, datetime]] = dataclasses.field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, kind: Kind, records: list[Any], *, max_mib: int = 0) -> Iterator[World]:
        """A world with some records and an empty mirror; answers are kept where there is room."""
        whole = series(kind.name, 1)
        jsoc = SampleJsoc([whole.without(np.ones(whole.rows, bool))])
        with tempfile.TemporaryDirectory() as directory:
            made = settings_for(Path(directory) / "mirror", jsoc, answers={"max_mib": max_mib})
            now = [datetime(2026, 11, 1, tzinfo=UTC)]
            Mirror.create(made).close()
            catalogue = Catalogue.open(catalogue_place(made), clock=lambda: now[0])
            with Mirror(made, catalogue) as mirror:
                world = cls(kind, jsoc, mirror, DirectSession(jsoc), now, [])
                world.change(records)
                yield world

    @property
    def upstream(self) -> SharedUpstream:
        """The upstream as a service sees it."""
        jsoc = Jsoc(self.mirror.settings.upstream, self.session)
        return SharedUpstream(self.mirror, jsoc)

    @property
    def current(self) -> int:
        """Index of the present moment."""
        return len(self.moments) - 1

    # -- what happens -----------------------------------------------------------------------------

    def change(self, records: list[Any]) -> None:
        """New records and new versions come into being upstream."""
        name, kind = self.kind.name, self.kind
        for position, other, quality, value in records:
            self.jsoc.append(
                name,
                {
                    kind.axis: [kind.seconds(position)],
                    kind.other: [other],
                    "QUALITY": [quality],
                    kind.value: [value],
                },
            )
        self.moments.append(self.jsoc.series(name))
        self.pause()

    def pause(self) -> None:
        """Time enough passes that no answer counts as given at the same time as another."""
        self.now[0] += timedelta(minutes=2)

    def wait(self, hours: int) -> None:
        """Time passes."""
        self.now[0] += timedelta(hours=hours)

    def sync(self, where: str) -> None:
        """Bring a part in."""
        sync(self.mirror, self.upstream, self.kind.name + where)
        for cell in self.cells(where):
            self.held[cell] = (self.current, self.now[0])

    def hold_good(self, where: str) -> None:
        """Hold what satisfies the condition, as a sync under that condition leaves it.

        Of records that are held and satisfy it no longer, that they do not is held too. A sync
        would bring what is held there without a condition up to date; here nothing is.
        """
        catalogue, name = self.mirror.catalogue, self.kind.name
        if self.cells(where) & set(self.held):
            return
        if not any(one.name == name for one in catalogue.series()):
            return
        target = read_target(self.upstream, name, lambda: self.now[0])
        text = f"{name}{where}[? {GOOD} ?]"
        (bound,) = bind(parse_recordset(text), lambda _: target.definition).sets
        keys = harvest_keys(target.definition)
        good = self.upstream.records(text, keys).table
        recnums = set(good["*recnum*"].to_pylist())
        every = self.upstream.records(name + where, keys).table
        seen = self._cells_ever_seen()
        cells = self._cells_of(self.moments[self.current])
        by_recnum = dict(zip(self.moments[-1].columns["recnum"].tolist(), cells, strict=True))
        kept = [one in recnums or by_recnum[one] in seen for one in every["*recnum*"].to_pylist()]
        with catalogue.leases.holding(f"series {name.lower()}") as lease:
            run = catalogue.runs.start(name, text)
            store = WindowStore(self.mirror, target.definition, run.id, lease)
            if not store.has_table:
                return
            entries = [self._good_entry(store, target, extent) for extent in extent_of(bound)]
            store.keep(every.filter(pa.array(kept, pa.bool_())), entries)
        for cell in self.cells(where):
            self.held_good[cell] = (self.current, self.now[0])

    def _good_entry(self, store: WindowStore, target: Any, extent: Any) -> Any:
        from drmsmirror.model.coverage import CoverageEntry, Versions

        return CoverageEntry(
            extent.interval,
            extent.restriction,
            frozenset(column.name for column in target.definition.columns),
            Versions.LATEST,
            store.generation,
            target.as_of.recnum,
            target.as_of.utc,
        )

    def _cells_ever_seen(self) -> set[Cell]:
        """Combinations of which the record table may have a row."""
        return set(self.held) | set(self.held_good)

    def ask(self, query: str, terms: Terms = AUTO, n: int | None = None, **besides: Any) -> Answer:
        """Put a question."""
        self.session.asked.clear()
        keys = tuple(self.kind.value if key == "VALUE" else key for key in KEYS)
        upstream = self.upstream
        definitions = Definitions(self.mirror, upstream, terms.policy)
        asked = Asked(self.kind.name + query, keys, n=n, **besides)
        return Answering(self.mirror, upstream, definitions, asked, terms).answer()

    # -- the model --------------------------------------------------------------------------------

    def cells(self, where: str) -> set[Cell]:
        """The combinations of keys that filters on keys let through."""
        chosen = select(self.kind.name + where, lambda _: self._universe())[0]
        cells = self._cells_of(self._universe())
        return {cells[row] for row in chosen.rows.tolist()}

    def _universe(self) -> Series:
        """One good record for each combination, of which some never come into being."""
        sample = SampleJsoc([self.moments[0].without(np.ones(self.moments[0].rows, bool))])
        for position in [*range(-1, POSITIONS + 1), None]:
            for other in range(5):
                sample.append(
                    self.kind.name,
                    {
                        self.kind.axis: [self.kind.seconds(position)],
                        self.kind.other: [other],
                        "QUALITY": [1],
                        self.kind.value: [5.0],
                    },
                )
        return sample.series(self.kind.name)

    def _cells_of(self, records: Series) -> list[Cell]:
        axis = records.columns[self.kind.axis.lower()].tolist()
        other = records.columns[self.kind.other.lower()].tolist()
        start = self.kind.seconds(0)
        return [
            (None if value < 0 else round((value - start) / self.kind.step), key)
            for value, key in zip(axis, other, strict=True)
        ]

    def usable(self, condition: str, terms: Terms) -> dict[Cell, int]:
        """By combination, the moment held, where what is held counts."""
        found: dict[Cell, tuple[int, datetime]] = {}
        under = [self.held] + ([self.held_good] if GOOD in condition else [])
        for one in under:
            for cell, (index, read) in one.items():
                age = self.now[0] - read
                if terms.max_age is not None:
                    counts = age <= terms.max_age
                else:
                    is_open = cell[0] is not None and cell[0] > self.newest(index)
                    counts = not is_open or terms.policy is Policy.OFFLINE
                    counts = counts or age <= timedelta(hours=24)
                if counts and index >= found.get(cell, (-1, read))[0]:
                    found[cell] = (index, read)
        return {cell: index for cell, (index, _) in found.items()}

    def newest(self, index: int) -> float:
        """The newest position of a moment that the record table has."""
        name = self.kind.name
        definition = self.mirror.catalogue.definition(name)
        if self.mirror.catalogue.state(name).table_path is None:
            return -math.inf
        axis = self.kind.axis.lower()
        files = self.mirror.table(definition).files()
        tables = [pq.ParquetFile(file).read(["recnum", axis]).to_pydict() for file in files]
        reached = self.moments[index].columns["recnum"].max(initial=0)
        values = [
            value
            for table in tables
            for recnum, value in zip(table["recnum"], table[axis], strict=True)
            if recnum <= reached
        ]
        start = self.kind.seconds(0)
        return (max(values, default=-math.inf) - start) / self.kind.step

    def expected(self, query: str, by_cell: Mapping[Cell, int], default: int | None) -> Any:
        """What the upstream would say, had each combination stayed as it was at its moment."""
        parts = []
        for index, records in enumerate(self.moments):
            cells = self._cells_of(records)
            rows = [row for row, cell in enumerate(cells) if by_cell.get(cell, default) == index]
            parts.append({name: column[rows] for name, column in records.columns.items()})
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        composite = Series(self.moments[0].definition, columns)
        keys = [self.kind.value if key == "VALUE" else key for key in KEYS]
        return truth(SampleJsoc([composite]), self.kind.name + query, keys)
