"""An upstream that went back in time: how it shows, and the generation that begins then.

After an outage a server can come back as it was days before, and a series can be built anew under
its name. Record numbers are then issued again, for other records. It shows in one of two ways: the
largest number is smaller than one that was read, or numbers that are held belong to other records
now. That is looked at whenever there are more numbers, and once a night. What is held stays, and is
read again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from drmsmirror.catalogue import RunKind
from drmsmirror.mirror import Mirror
from drmsmirror.records import identity_keys, newest_records, type_records
from drmsmirror.runs import recorded_run
from drmsmirror.sync.nothing import confirm_empty
from drmsmirror.sync.target import Target, holds_numbers, reached
from drmsmirror.upstream import Upstream

__all__ = ["notice_setback"]

_log = logging.getLogger(__name__)

#: Records with the largest numbers that are looked up again.
_ANCHORS = 12


def notice_setback(
    mirror: Mirror, upstream: Upstream, target: Target, *, is_compared: bool = False
) -> str:
    """Begin a new generation of a series where its upstream went back in time.

    The caller holds the lease of the series.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    target : Target
    is_compared : bool
        Whether what is held is to be compared with the upstream, and not only what is new read:
        then it is also asked whether as many numbers as before were issued again, which otherwise
        would show nowhere but where records are compared.

    Returns
    -------
    str
        What was noticed, for a person; empty where there is nothing to notice.
    """
    series = target.definition.name
    if not mirror.catalogue.knows(series):
        return ""
    if not target.has_recnums:
        return _notice_numbers_lost(mirror, target)
    was = reached(mirror, series)
    if target.as_of.recnum < was:
        what = f"its largest record number is {target.as_of.recnum}, and it was {was} before"
    elif held := _held_beyond(mirror, upstream, target):
        what = f"its largest record number is {target.as_of.recnum}, and one of {held} is held"
    elif _may_have_others(was, target, is_compared) and _are_other_records(
        mirror, upstream, target
    ):
        what = "record numbers that are held belong to other records now"
    else:
        return ""
    return _begin_generation(
        mirror,
        series,
        f"The upstream of {series} went back in time, or the series was built anew: {what}",
    )


def _held_beyond(mirror: Mirror, upstream: Upstream, target: Target) -> int:
    """The largest number that is held, where the upstream has not come so far; else 0.

    A run that was cut off can have stored records that no reading speaks of yet. Where others have
    read meanwhile, the upstream has come further by now.
    """
    definition = mirror.catalogue.definition(target.definition.name)
    state = mirror.catalogue.state(definition.name)
    if state.table_path is None:
        return 0
    table = mirror.table(definition)
    if (table.largest("recnum") or 0) <= target.as_of.recnum:
        return 0
    beyond = newest_records(table, [], state.generation, 1, above=target.as_of.recnum)
    if not beyond.num_rows:
        return 0
    held = int(beyond["recnum"][0].as_py())
    return held if (upstream.definition(definition.name).max_recnum or 0) < held else 0


def _may_have_others(was: int, target: Target, is_compared: bool) -> bool:
    """Whether it is worth a request to look at held numbers: mostly nothing is new."""
    return was > 0 and (is_compared or target.as_of.recnum > was)


def _notice_numbers_lost(mirror: Mirror, target: Target) -> str:
    """Begin a new generation where records are held by numbers that the upstream no longer gives.

    A number of the mirror's own does not supersede one of the upstream's.
    """
    series = target.definition.name
    if target.lists_recnums or not holds_numbers(mirror, series):
        return ""
    return _begin_generation(
        mirror, series, f"The upstream of {series} no longer gives the numbers of its records"
    )


def _begin_generation(mirror: Mirror, series: str, why: str) -> str:
    """Begin a generation in a run of its own, which says why: no later run will notice it."""
    notice = f"{why}. What is held stays, and all of it is read again"
    state = mirror.catalogue.state(series)
    with recorded_run(mirror, series, series, RunKind.MAINTAIN, notices=[notice]):
        mirror.catalogue.save_state(
            replace(state, generation=state.generation + 1, watermark=None, watermark_utc=None)
        )
    _log.warning(notice)
    return notice


def _are_other_records(mirror: Mirror, upstream: Upstream, target: Target) -> bool:
    """Whether most of the newest records that are held have other prime keys or SUNUM upstream.

    Those that are there no longer say nothing, and one that moved does not say enough. That none
    of them is there has to be confirmed: a server that fails can say it too.

    Raises
    ------
    UpstreamAnswerError
        It contradicts itself.
    """
    definition = mirror.catalogue.definition(target.definition.name)
    state = mirror.catalogue.state(definition.name)
    if state.table_path is None or not definition.prime_keys:
        return False
    names = [*definition.internal_prime_keys, "sunum"]
    held = newest_records(
        mirror.table(definition), names, state.generation, _ANCHORS, up_to=target.as_of.recnum
    )
    if not held.num_rows:
        return False
    numbers = ",".join(f"#{number}" for number in held["recnum"].to_pylist())
    text = f"{definition.name}[:{numbers}]"
    listed = upstream.records(text, identity_keys(definition), all_digits=state.all_digits)
    if not listed.rows:
        confirm_empty(upstream, definition, text, target.as_of.recnum)
    formats = mirror.catalogue.codecs(definition.name)
    given = type_records(definition, listed.table, formats, all_digits=state.all_digits).rows
    before, now = _by_number(held, names), _by_number(given, names)
    differs = [_differ(now[number], before[number]) for number in now if number in before]
    return sum(differs) * 2 > len(differs)


def _differ(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether any value that both have is another; records of a file may lack their SUNUM."""
    pairs = zip(one, other, strict=True)
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _by_number(rows: pa.Table, names: Sequence[str]) -> dict[int, tuple[object, ...]]:
    values = zip(*(rows[name].to_pylist() for name in names), strict=True)
    return dict(zip(rows["recnum"].to_pylist(), values, strict=True))
