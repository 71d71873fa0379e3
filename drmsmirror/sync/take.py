"""Take one window: count it, fetch it, keep it. The unit of work of every run."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

import pyarrow as pa

from drmsmirror.errors import UpstreamAnswerError, UpstreamTooLargeError
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.intervals import Interval
from drmsmirror.records import Portion, find_differing, identity_keys
from drmsmirror.sync.gone import confirmed_gone
from drmsmirror.sync.harvest import TELLING
from drmsmirror.sync.nothing import confirm_nothing
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["Taken", "no_records", "take_window"]

_NOTHING = Portion(())


class Taken(Enum):
    """What became of a window."""

    #: It is held, and the catalogue says so.
    HELD = auto()
    #: It has too many records; nothing was kept, and the sizer knows better now.
    TOO_LARGE = auto()


def take_window(
    work: Work,
    sizer: WindowSizer,
    window: Interval,
    record_set: str,
    entries: Sequence[CoverageEntry],
    whole: Portion = _NOTHING,
    *,
    columns: frozenset[str] | None = None,
    at_any_size: bool = False,
) -> Taken:
    """Bring a window's records into the mirror and record that they are held.

    Parameters
    ----------
    work : Work
    sizer : WindowSizer
        Learns from the count and from the cost.
    window : Interval
        The window, on the axis that the sizer counts.
    record_set : str
        The window as a question.
    entries : sequence of CoverageEntry
        What is held then.
    whole : Portion
        Of what these are all records.
    columns : frozenset of str, optional
        All that is lacking of records that are held; by default records are read whole.
    at_any_size : bool
        Whether it is fetched however many records there are, unless the upstream refuses.

    Raises
    ------
    UpstreamAnswerError
        The answer has another number of records than the upstream counted, twice, or none where
        that cannot be believed.
    """
    rows = work.upstream.count(record_set)
    sizer.counted(window, rows)
    if sizer.is_too_large(window, rows) and not at_any_size:
        return Taken.TOO_LARGE
    given = no_records(work)
    if rows:
        try:
            listed = work.fetch(record_set, columns=columns)
        except UpstreamTooLargeError:
            sizer.refused()
            return Taken.TOO_LARGE
        if listed.rows != rows:
            _confirm_count(work, record_set, listed.rows)
        sizer.fetched(listed.rows, listed.seconds, listed.body_bytes)
        given = listed.table
    elif window.high > 1 or work.wanted.series.axis.keyword:  # no number is smaller than 1
        confirm_nothing(work, record_set)
    if columns is not None:
        _bring_what_is_not_held(work, whole, given)
    work.keep(given, entries, confirmed_gone(work, whole, given, record_set))
    return Taken.HELD


def _bring_what_is_not_held(work: Work, whole: Portion, given: pa.Table) -> None:
    """Read records whole of which it is not only some columns that are not held."""
    names = set(given.column_names)
    known = [
        column.name
        for column in work.wanted.series.columns
        if column.key in names and column.name in TELLING
    ]
    store = work.store
    numbers = find_differing(
        store.table, whole, store.typed(given), known, generation=store.generation
    )
    work.bring(numbers)


def _confirm_count(work: Work, record_set: str, rows: int) -> None:
    """Records come and go while we read; an answer that was cut short stays wrong."""
    again = work.upstream.count(record_set)
    if again != rows:
        raise UpstreamAnswerError(
            f"The upstream counts {again} records in {record_set} but gave {rows}. "
            f"Nothing of them was kept; run the same again"
        )


def no_records(work: Work) -> pa.Table:
    """What a window is that has no records, and was not fetched."""
    keys = identity_keys(work.wanted.series, numbers=work.target.numbers)
    types = [pa.int64() if key.startswith("*") else pa.string() for key in keys]
    return pa.table([pa.array([], type_) for type_ in types], names=list(keys))
