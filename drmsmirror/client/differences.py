"""What changed in a series between two moments, value by value, as DRMS prints values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.catalogue import Moment
from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.names import keys_of_names, record_names
from drmsmirror.client.past import Past
from drmsmirror.errors import QueryError
from drmsmirror.mirror import Mirror
from drmsmirror.records import (
    ALL_KEYS,
    ChangedRecords,
    ChangeKind,
    KeyPlan,
    StoredRows,
    plan_keys,
    reading_changes,
)

__all__ = ["Difference", "differences"]

#: Numbers of a record that are compared besides its keywords.
_NUMBERS = ("*recnum*", "*sunum*")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that changed, or a record that came or went.

    Parameters
    ----------
    record : str
        Name of the record.
    recnum : int
        Its record number, the later one where it has two.
    kind : ChangeKind
    keyword : str
        Which value; ``*recnum*`` and ``*sunum*`` are the record's numbers. Empty for a record that
        is new or removed: all its values are.
    before, after : str
        As they print; empty where there is none.
    """

    record: str
    recnum: int
    kind: ChangeKind
    keyword: str = ""
    before: str = ""
    after: str = ""


def differences(
    mirror: Mirror, series: str, since: Moment, until: Moment | None = None
) -> Iterator[Difference]:
    """What the runs between two moments changed about the records of a series, in DRMS's order.

    Parameters
    ----------
    mirror : Mirror
    series : str
        In any case.
    since : Moment
        Runs that had ended by then do not count.
    until : Moment, optional
        Those that had ended by then do; by default all.

    Raises
    ------
    UnknownSeriesError, NotHeldError
        The mirror knows no such series, holds nothing of it, or has forgotten the runs of then.
    QueryError
        ``until`` lies before ``since``.
    """
    if until is not None and until.utc < since.utc:
        raise QueryError(f"{until} lies before {since}; exchange the two")
    definition = mirror.catalogue.definition(series)
    table = mirror.table(definition)  # before runs are looked up: it has the rows of each
    now = mirror.catalogue.moments.find()
    first, last = (Past(mirror, at).run_if_any(definition) for at in (since, until or now))
    formats = mirror.catalogue.codecs(definition.name)
    keys = plan_keys(definition, [*keys_of_names(definition), *_NUMBERS, ALL_KEYS])
    with reading_changes(table, first, last) as changes:
        for records in changes.records(keys.columns):
            yield from _of_batch(records, keys, formats)


def _of_batch(
    records: ChangedRecords, keys: KeyPlan, formats: dict[str, str]
) -> Iterator[Difference]:
    named = _named(records, keys, formats)
    kinds = pa.array([str(kind) for kind in records.kinds])
    revised = pc.equal(kinds, str(ChangeKind.REVISED))
    values = _values(records.before.filter(revised), records.after.filter(revised), keys, formats)
    for kind, (name, number) in zip(records.kinds, named, strict=True):
        if kind is not ChangeKind.REVISED:
            yield Difference(name, number, kind)
            continue
        for key, before, after in next(values):
            yield Difference(name, number, kind, key, before, after)


def _named(
    records: ChangedRecords, keys: KeyPlan, formats: dict[str, str]
) -> Iterator[tuple[str, int]]:
    """Name and number of each record; of one that is gone those that it had."""
    gone = pa.array([kind is ChangeKind.REMOVED for kind in records.kinds])
    columns = [
        pc.if_else(gone, before, after)
        for before, after in zip(records.before.columns, records.after.columns, strict=True)
    ]
    there = StoredRows(
        keys, pa.RecordBatch.from_arrays(columns, schema=records.after.schema), formats
    )
    naming = PrintedRows({key: there[key] for key in keys_of_names(keys.definition)})
    names = record_names(keys.definition, naming, formats)
    return zip(names, there.printed("*recnum*").to_pylist(), strict=True)


def _values(
    before: pa.RecordBatch, after: pa.RecordBatch, keys: KeyPlan, formats: dict[str, str]
) -> Iterator[list[tuple[str, str, str]]]:
    """Of each record the keys whose values print differently, with both texts."""
    sides = [StoredRows(keys, rows, formats) for rows in (before, after)]
    found: list[list[tuple[str, str, str]]] = [[] for _ in range(before.num_rows)]
    for key in sides[0]:
        old, new = (side.printed(key).cast(pa.string()).fill_null("") for side in sides)
        for row in pc.indices_nonzero(pc.not_equal(old, new)).to_pylist():
            found[row].append((key, old[row].as_py(), new[row].as_py()))
    return iter(found)
