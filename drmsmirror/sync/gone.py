"""Records that an upstream no longer lists, which it has to confirm before that is believed.

A server that fails can answer that there is nothing. So it is asked once more, together with a
record that has to be there: by record number, or where there is none by place on the axis.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.model.intervals import Interval
from drmsmirror.model.parts import MOST_WINDOWS
from drmsmirror.model.positions import lowest_named
from drmsmirror.model.recordset.printing import windows_text
from drmsmirror.records import Portion, identity_keys, newest_records
from drmsmirror.sync.nothing import confirm_nothing
from drmsmirror.sync.work import MOST_NUMBERS, Work

__all__ = ["confirmed_gone"]

#: Places that are asked for once more, at most, besides one that has to be there.
_MOST_POSITIONS = MOST_WINDOWS - 1

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
    confirmed = _confirmed_by_number if work.target.has_recnums else _confirmed_by_place
    return confirmed(work, portion, gone, there, record_set)


def _confirmed_by_number(
    work: Work, portion: Portion, gone: pa.Table, there: pa.Table, record_set: str
) -> pa.Table:
    """Ask for the numbers of records that are gone, and for one that has to be there."""
    is_upstreams = pc.and_(
        pc.equal(gone["_generation"], work.store.generation), pc.greater_equal(gone["recnum"], 0)
    )
    numbers = gone["recnum"].filter(is_upstreams).to_pylist()
    control = _one_that_is_there(work, there, set(numbers))
    if not control:
        confirm_nothing(work, record_set)
    if not (numbers or control):
        return gone
    if portion.filters:
        return _without_those_there(work, gone, numbers, control)
    asked_again = random.sample(numbers, min(len(numbers), MOST_NUMBERS))
    found = work.upstream.count(work.numbered_text([*asked_again, *control]))
    if found != len(control) and not _are_others(work, gone, asked_again, control):
        raise _contradiction(
            gone,
            record_set,
            f"but of {len(asked_again) + len(control)} record numbers, {len(control)} of which it "
            f"listed just now or earlier, it counts {found}",
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
    up_to = work.reached.recnum or None
    newest = newest_records(work.store.table, [], work.store.generation, _NEAR, up_to=up_to)
    return [number for number in newest["recnum"].to_pylist() if number not in gone][:1]


def _confirmed_by_place(
    work: Work, portion: Portion, gone: pa.Table, there: pa.Table, record_set: str
) -> pa.Table:
    """Count what was listed where records are gone, and at the oldest place where any was.

    At the newest places more can have come meanwhile.
    """
    listed, lost = _positions(work, there), _positions(work, gone.filter(gone["_latest"]))
    control = _named(work, portion, listed)[:1]
    asked = sorted({*_some(_named(work, portion, lost)), *control})
    if asked:
        expected = int(np.isin(listed, asked).sum())
        found = work.upstream.count(_text(work, asked))
        if found != expected:
            raise _contradiction(
                gone,
                record_set,
                f"but in {len(asked)} places of the axis, where it listed {expected} records just "
                f"now, it counts {found}",
            )
    if not control:
        confirm_nothing(work, record_set)
    return _without_those_in_places(work, portion, gone) if portion.filters else gone


def _without_those_in_places(work: Work, portion: Portion, gone: pa.Table) -> pa.Table:
    """What is gone of records that were not listed: the others satisfy a condition no longer.

    Those are brought as they are now. What cannot be asked for is left as it is.
    """
    keys = [*work.wanted.series.internal_prime_keys]
    places = _named(work, portion, _positions(work, gone))
    there = []
    for first in range(0, len(places), MOST_WINDOWS):
        some = places[first : first + MOST_WINDOWS]
        windows = [Interval(place, place + 1) for place in some]
        listed = work.fetch(windows_text(work.followed, windows)).table
        work.keep(listed, ())
        there.append(work.store.typed(listed).select(keys))
    is_asked = np.isin(_positions(work, gone), places)
    lost = gone.filter(pa.array(is_asked))
    return lost.join(pa.concat_tables(there), keys, join_type="left anti") if there else lost


def _positions(work: Work, rows: pa.Table) -> np.ndarray:
    """Positions of records, whole ones."""
    axis = rows[work.wanted.series.axis.column]
    return np.asarray(np.floor(axis.cast(pa.float64(), safe=False).to_numpy()))


def _named(work: Work, portion: Portion, positions: np.ndarray) -> list[float]:
    """Those that can be asked for, and lie in the extents as a whole."""
    lowest = lowest_named(work.wanted.series)
    return [
        one
        for one in np.unique(positions).tolist()
        if one > lowest
        and any(e.interval.contains(Interval(one, one + 1)) for e in portion.extents)
    ]


def _some(positions: Sequence[float]) -> list[float]:
    return sorted(random.sample(positions, min(len(positions), _MOST_POSITIONS)))


def _text(work: Work, positions: Sequence[float]) -> str:
    return windows_text(work.wanted, [Interval(one, one + 1) for one in positions])


def _contradiction(gone: pa.Table, record_set: str, what: str) -> UpstreamAnswerError:
    return UpstreamAnswerError(
        f"The upstream contradicts itself: it does not list {gone.num_rows} held records in "
        f"{record_set}, {what}. Nothing of the answer was kept; run the same again"
    )
