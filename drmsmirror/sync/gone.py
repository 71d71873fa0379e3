"""Records that an upstream no longer lists, which it has to confirm before that is believed.

A server that fails can answer that there is nothing. So it is asked once more, by record number,
together with a record that has to be there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.records import Portion, identity_keys, newest_records
from drmsmirror.sync.nothing import confirm_nothing
from drmsmirror.sync.work import MOST_NUMBERS, Work

__all__ = ["confirmed_gone"]

#: Records among which one that has to be there is looked for.
_NEAR = 1000


def confirmed_gone(
    work: Work, portion: Portion, given: pa.Table, record_set: str
) -> pa.Table | None:
    """Find what is held of a part and was not given, and have the upstream confirm it.

    Parameters
    ----------
    work : Work
    portion : Portion
        What was read as a whole; nothing where that cannot be told.
    given : pyarrow.Table
        Its records, as the upstream printed them.
    record_set : str
        What was asked.

    Raises
    ------
    UpstreamAnswerError
        It still has records that it does not list, or seems to know no records now.
    """
    store = work.store
    if not portion or not store.rows_held:
        return None
    asked = [key for key in identity_keys(store.definition) if key in given.column_names]
    there = store.typed(given.select(asked))
    gone = store.find_gone(portion, there)
    if not gone.num_rows:
        return None
    is_upstreams = pc.and_(
        pc.equal(gone["_generation"], store.generation), pc.greater_equal(gone["recnum"], 0)
    )
    numbers = gone["recnum"].filter(is_upstreams).to_pylist()
    control = _one_that_is_there(work, there, set(numbers))
    if not control:
        confirm_nothing(work, record_set)
    if not work.target.has_recnums or not (numbers or control):
        return gone
    if portion.filters:
        return _without_those_there(work, gone, numbers, control)
    asked_again = random.sample(numbers, min(len(numbers), MOST_NUMBERS))
    found = work.upstream.count(work.numbered_text([*asked_again, *control]))
    if found != len(control) and not _are_others(work, gone, asked_again, control):
        raise UpstreamAnswerError(
            f"The upstream contradicts itself: it does not list {gone.num_rows} held records in "
            f"{record_set}, but of {len(asked_again) + len(control)} record numbers, "
            f"{len(control)} of which it listed just now or earlier, it counts {found}. Nothing of "
            f"the answer was kept; run the same again"
        )
    return gone


def _are_others(work: Work, gone: pa.Table, numbers: Sequence[int], control: Sequence[int]) -> bool:
    """Whether those of some numbers that are there have other prime keys now than are held."""
    keys = work.wanted.series.internal_prime_keys
    listed = work.upstream.records(
        work.numbered_text([*numbers, *control]), identity_keys(work.wanted.series)
    )
    now, before = _by_number(work.store.typed(listed.table), keys), _by_number(gone, keys)
    return now.keys() >= set(control) and not any(
        now.get(number) == before[number] for number in numbers
    )


def _by_number(rows: pa.Table, keys: Sequence[str]) -> dict[int, list[str]]:
    """Prime keys as texts, since a missing one is equal to another."""
    return {row["recnum"]: [str(row[key]) for key in keys] for row in rows.to_pylist()}


def _without_those_there(
    work: Work, gone: pa.Table, numbers: Sequence[int], control: Sequence[int]
) -> pa.Table:
    """What is gone of records that were not listed: the others satisfy a condition no longer.

    Those are brought as they are now.
    """
    there: set[int] = set()
    for first in range(0, len(numbers), MOST_NUMBERS):
        some = [*numbers[first : first + MOST_NUMBERS], *control]
        found = work.bring(some)
        if not found.issuperset(control):
            raise UpstreamAnswerError(
                f"The upstream contradicts itself: of {work.numbered_text(some)} it does not list "
                f"the last, which it listed just now or earlier. Run the same again"
            )
        there |= found
    is_there = pc.is_in(gone["recnum"], pa.array(sorted(there), pa.int64()))
    return gone.filter(pc.invert(is_there))


def _one_that_is_there(work: Work, there: pa.Table, gone: set[int]) -> list[int]:
    """The number of a record that has to be there: one listed just now, else the newest held."""
    listed = pc.max(there["recnum"]).as_py()
    if listed is not None:
        return [listed]
    newest = newest_records(work.store.table, [], work.store.generation, _NEAR)
    return [number for number in newest["recnum"].to_pylist() if number not in gone][:1]
