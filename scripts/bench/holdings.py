"""A mirror that holds a wide series, written as a sync writes it but without an upstream."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from drmsmirror.catalogue import AsOf, RunOutcome
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.sync.adopting import adopt_additions
from drmsmirror.sync.store import WindowStore
from tests.jsoc import Series, wide_series
from tests.jsoc.answers import series_struct

__all__ = ["DAY_SLOTS", "busiest", "hold", "newest_part", "next_night", "wide"]

DAY_SLOTS = 120
_WINDOW = 20_000
_SLOT_SECONDS = 86400.0 / DAY_SLOTS
_REGIONS = 21
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def wide(records: int, columns: int) -> Series:
    """The sample's wide series with so many keyword columns, REGION and T_REC among them."""
    return wide_series(records, columns - 2)


def busiest(series: Series) -> tuple[int, int, str]:
    """The region with most records, the slot where its third day begins, and that time."""
    regions, counts = np.unique(series.columns["region"], return_counts=True)
    region = int(regions[np.argmax(counts)])
    slots = series.columns["t_rec_index"][series.columns["region"] == region]
    first = (int(slots.min()) // DAY_SLOTS + 2) * DAY_SLOTS
    day = np.datetime64("1993-01-01") + np.timedelta64(first // DAY_SLOTS, "D")
    return region, first, f"{str(day).replace('-', '.')}_TAI"


def newest_part(series: Series, records: int) -> Series:
    """The records with the largest numbers, and those of the newest times, of a wide series."""
    columns = series.columns
    kept = np.zeros(series.rows, dtype=bool)
    for column in ("recnum", "t_rec"):
        kept[np.argsort(columns[column], kind="stable")[-records:]] = True
    return series.without(~kept)


def next_night(series: Series, records: int, revised: int = 0, late: int = 0) -> Series:
    """A wide series with so many records more, most of them of the times that follow.

    Parameters
    ----------
    series : Series
    records : int
    revised : int
        How many of them are other versions of records of the last days.
    late : int
        How many of them are of regions and times for which there is none, two days back.
    """
    columns = series.columns
    newest = np.argsort(columns["t_rec"], kind="stable")[-max(records, 1) :]
    added = {name: column[np.resize(newest, records)] for name, column in columns.items()}
    last = newest[-1]
    slots = 1 + np.arange(records) // _REGIONS
    slots[:late] -= 2 * DAY_SLOTS
    regions = columns["region"][last] + np.arange(records) % _REGIONS
    regions[:late] += 10 * _REGIONS
    added["region"] = regions.astype(columns["region"].dtype)
    added["t_rec"] = columns["t_rec"][last] + slots * _SLOT_SECONDS
    added["t_rec_index"] = columns["t_rec_index"][last] + slots
    again = newest[:: max(1, len(newest) // max(revised, 1))][:revised]
    for name in ("region", "t_rec", "t_rec_index"):
        added[name][late : late + len(again)] = columns[name][again]
    top = int(columns["recnum"].max())
    added["recnum"] = np.arange(top + 1, top + 1 + records)
    return series.with_rows(added)


def hold(mirror: Mirror, series: Series, window: int = _WINDOW) -> SeriesDefinition:
    """Put a whole series into a mirror, windows along the time axis, and tidy up like a run."""
    name = series.definition.name
    struct = json.loads(series_struct(series, 0.0).body)
    definition = definition_from_struct(name, struct)
    with mirror.catalogue.leases.holding(f"series {name}") as lease:
        adopt_additions(mirror, definition, "")
        formats = {k.name: k.format for k in series.definition.keywords if k.name[:1] == "K"}
        mirror.catalogue.record_window(
            name,
            entries=(),
            table_version=0,
            rows_held=0,
            codecs=formats | {"REGION": "%d", "T_REC": "TAI 0"},
        )
        run = mirror.catalogue.runs.start(name, name)
        store = WindowStore(mirror, definition, run.id, lease)
        days = float(np.ptp(series.columns["t_rec"])) / 86400
        store.make_table(series.rows, days)
        for rows in _windows(series, definition, window):
            store.keep(rows, [])
        newest = int(series.columns["recnum"].max())
        store.keep(rows.slice(0, 0), [_everything(definition, store, newest)])
        store.finish(watermark=AsOf(newest, _NOW))
        mirror.catalogue.runs.finish(run.id, RunOutcome.DONE)
    return definition


def _windows(series: Series, definition: SeriesDefinition, window: int) -> Iterator[pa.Table]:
    """Typed records, oldest first."""
    order = np.argsort(series.columns["t_rec"], kind="stable")
    names = {"*recnum*": "recnum", "*sunum*": "sunum"}
    names |= {column.key: column.name for column in definition.columns}
    for start in range(0, series.rows, window):
        picked = series.take(order[start : start + window])
        yield pa.table({key: _array(picked[name]) for key, name in names.items()})


def _array(values: np.ndarray) -> pa.Array:
    return pa.array(values.tolist()) if values.dtype == object else pa.array(np.array(values))


def _everything(definition: SeriesDefinition, store: WindowStore, recnum: int) -> CoverageEntry:
    return CoverageEntry(
        interval=Interval(-math.inf, math.inf),
        restriction=Restriction(),
        columns=frozenset(column.name for column in definition.columns),
        versions=Versions.LATEST,
        generation=store.generation,
        as_of_recnum=recnum,
        as_of_utc=_NOW,
    )
