"""How exactly values are read: as the upstream prints them, or with all their digits.

Values with all digits say nothing of how they print, so that the formats are learnt from some
records that are printed; text and comparison are exact then. A series is held in one of the two
ways, since rounded values cannot be told from other ones.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import QueryError
from drmsmirror.mirror import Mirror
from drmsmirror.model.codecs import codec_of, learn_codec, present
from drmsmirror.model.series import Column, Scope
from drmsmirror.model.subscription import Precision
from drmsmirror.records import identity_keys, type_records
from drmsmirror.sync.store import WindowStore
from drmsmirror.upstream import Upstream

__all__ = ["adopt_precision", "learn_formats", "refuse_rounded", "refuse_without_numbers"]

#: Records from which formats are learnt, at most.
_SAMPLE = 200


def adopt_precision(mirror: Mirror, series: str, precision: Precision) -> bool:
    """Find out whether a series is read with all digits, which is settled when it is first read.

    The caller holds the lease of the series.

    Raises
    ------
    QueryError
        All digits are wanted, and it is held as it prints.
    """
    state = mirror.catalogue.state(series)
    if state.all_digits or precision is Precision.TEXT:
        return state.all_digits
    refuse_rounded(mirror, series)
    mirror.catalogue.save_state(replace(state, all_digits=True))
    return True


def refuse_without_numbers(mirror: Mirror, series: str, precision: Precision) -> None:
    """Refuse to begin to hold a series at full precision whose records come without numbers.

    By them printed values are put beside those with all digits, so that formats can be learnt.

    Raises
    ------
    QueryError
    """
    if precision is Precision.FULL and not mirror.catalogue.state(series).all_digits:
        raise QueryError(
            f"{series} cannot be had at full precision: the upstream gives its records no numbers. "
            f"Subscribe to it with --precision text"
        )


def refuse_rounded(mirror: Mirror, series: str) -> None:
    """Refuse to hold a series at full precision that is held as it prints.

    Raises
    ------
    QueryError
    """
    if not mirror.catalogue.knows(series):
        return
    state = mirror.catalogue.state(series)
    if state.table_path is not None and not state.all_digits:
        raise QueryError(
            f"{series} is held as the upstream prints it, and rounded values cannot be told from "
            f"others. Nothing was changed. To hold it at full precision take out what is held and "
            f"sync again: drmsmirror drop {shlex.quote(series)}. To go on as before: drmsmirror "
            f"subscribe ... --precision text"
        )


def learn_formats(upstream: Upstream, store: WindowStore, given: pa.Table) -> None:
    """Learn how keywords print of which values have come with all their digits.

    Parameters
    ----------
    upstream : Upstream
    store : WindowStore
        Whose formats they become.
    given : pyarrow.Table
        Records as they came; some of them are asked for once more, printed.
    """
    if not store.all_digits or "*recnum*" not in given.column_names:
        return
    formats = store.formats
    unknown = [
        column
        for column in store.definition.columns
        if column.key in given.column_names
        and column.keyword.scope is not Scope.INDEX
        and codec_of(column.keyword, formats.get(column.keyword.name)) is None
    ]
    some = _rows_with_values(given, [column.key for column in unknown])
    if not some.num_rows:
        return
    series = store.definition
    numbers = ",".join(f"#{number}" for number in some["*recnum*"].to_pylist())
    keys = identity_keys(series, *(column.name for column in unknown))
    printed = upstream.records(f"{series.name}[:{numbers}]", keys).table
    rows = type_records(series, some, formats, all_digits=True).rows
    values = pa.table(
        {"recnum": rows["recnum"]}
        | {f"{column.name}_value": rows[column.name] for column in unknown}
    )
    both = printed.join(values, "*recnum*", "recnum", join_type="inner").combine_chunks()
    learnt = {
        column.keyword.name: codec.format
        for column in unknown
        if (codec := learn_codec(column.keyword, *_texts_and_values(both, column))) is not None
    }
    store.learnt = {**store.learnt, **learnt}


def _rows_with_values(given: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Some rows in which each key has a value, where there are such."""
    rows: set[int] = set()
    for key in keys:
        present_here = pc.indices_nonzero(pc.is_valid(present(given[key].combine_chunks())))
        rows.update(present_here.slice(0, _SAMPLE // len(keys) + 1).to_pylist())
    return given.take(pa.array(sorted(rows)[:_SAMPLE], pa.int64()))


def _texts_and_values(both: pa.Table, column: Column) -> tuple[pa.StringArray, pa.Array]:
    values = f"{column.name}_value"
    return both[column.key].combine_chunks(), both[values].combine_chunks()
