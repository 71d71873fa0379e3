"""Get what a plan lacks: from answers that are stored, or from the upstream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa

from drmsmirror.catalogue import AsOf, RunCounters
from drmsmirror.client.freshness import Freshness
from drmsmirror.client.planner import Plan, SetPlan
from drmsmirror.client.supplied import Supplied, needed_keys
from drmsmirror.errors import UpstreamAnswerError, UpstreamRefusedError
from drmsmirror.mirror import Mirror
from drmsmirror.model.parts import Part, parts_of
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import (
    RECORD_NUMBERS,
    Supplement,
    TypedRecords,
    harvest_keys,
    type_records,
)
from drmsmirror.sharing import KeptAnswer, Question, SharedUpstream
from drmsmirror.sync.keeping import keep_records
from drmsmirror.sync.nothing import confirm_empty
from drmsmirror.sync.target import Target, refuse_going_back
from drmsmirror.sync.work import unknown_keys
from drmsmirror.upstream import RecordText

__all__ = ["Ask", "Fetching"]

#: Gives an answer to a question that is not older than a moment; whoever sends the request does
#: something before, and checks what comes.
Ask = Callable[
    [Question, datetime, Callable[[], object], Callable[[RecordText], object]], KeptAnswer
]


@dataclass
class Fetching:
    """Gets what one question lacks.

    Whole records are asked for where they can be merged: the latest versions of all records of a
    part. With a condition in SQL or a limit, the answer says nothing of the records that it leaves
    out; then what the answer needs is asked for, and kept as an answer only.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    ask : callable
        Asks, or finds a stored answer.
    check : callable
        Refuses questions that would take the upstream too long.
    n : int or None
        The first or last records only; what is asked for is limited by it too.
    freshness : Freshness
        How old stored answers may be.
    """

    mirror: Mirror
    upstream: SharedUpstream
    ask: Ask
    check: Callable[[Sequence[Part]], None]
    n: int | None
    freshness: Freshness
    _is_checked: bool = field(default=False, init=False)
    _targets: dict[str, Target | None] = field(default_factory=dict, init=False)

    def supplied(self, plan: Plan) -> list[Supplied]:
        """Get what each set lacks, and merge it into the records where that is sound.

        Raises
        ------
        UpstreamError
            What asking raises, or the answer is not what was asked for.
        """
        parts = [parts_of(one.wanted, one.missing) for one in plan.sets]
        supplied = []
        for number, one in enumerate(plan.sets):
            left = [part for those in parts[number:] for part in those]
            supplied.append(self._supplied(one, parts[number], left))
        return supplied

    def _supplied(self, plan: SetPlan, parts: Sequence[Part], left: Sequence[Part]) -> Supplied:
        """What one set lacks; ``left`` are the questions of this and further sets."""
        series = plan.wanted.series
        formats = self.mirror.catalogue.codecs(series.name)
        all_digits = self.mirror.catalogue.state(series.name).all_digits
        if not parts:
            return Supplied(None, formats)
        tables, asked = [], []
        for number, part in enumerate(parts):
            since = self.freshness.answers_since(series, part.extents)
            before = self.upstream.traffic
            typing = partial(
                _typed, series, part, formats, needed_keys(plan), all_digits=all_digits
            )
            answer, target = self._answer(
                plan, part, since, left[number:], typing, all_digits=all_digits
            )
            given = answer.text()
            typed = typing(given)
            if target is not None and not unknown_keys(series, given):
                cost = self.upstream.traffic - before
                counted = RunCounters(cost.requests, cost.bytes)
                keep_records(
                    self.mirror,
                    target,
                    part.text,
                    part.extents,
                    given.table,
                    counted,
                    all_digits=all_digits,
                )
            formats = typed.codecs
            tables.append(typed.rows)
            asked.append(answer.asked_utc)
        extents = tuple(extent for part in parts for extent in part.extents)
        return Supplied(Supplement(extents, pa.concat_tables(tables)), formats, tuple(asked))

    def _answer(
        self,
        plan: SetPlan,
        part: Part,
        since: datetime,
        left: Sequence[Part],
        check: Callable[[RecordText], object],
        *,
        all_digits: bool,
    ) -> tuple[KeptAnswer, Target | None]:
        """The answer to one question, and what it can be merged as by whoever sent the request."""
        ask = partial(self._answer_with, plan, part, since, left, check, all_digits=all_digits)
        *others, last = self._numbers(plan)
        for numbers in others:
            with suppress(UpstreamAnswerError, UpstreamRefusedError):
                return ask(numbers)
        return ask(last)

    def _numbers(self, plan: SetPlan) -> Sequence[Sequence[str]]:
        """The record's own numbers that are asked for, and others where there is no such answer.

        Where records of the series are held, and none has a number of the upstream's, it may have
        none; where a sync found that out, nobody is asked for what it cannot give.
        """
        largest = plan.table.largest("recnum")
        if largest is not None and largest > 0:
            return (RECORD_NUMBERS,)
        is_known = self.mirror.catalogue.state(plan.wanted.series.name).watermark == 0
        wants_number = bool({"recnum", "sunum"} & set(plan.keys.columns))
        without = (RECORD_NUMBERS[1:], ()) if wants_number else ((),)
        return without if is_known and largest is not None else (RECORD_NUMBERS, *without)

    def _answer_with(
        self,
        plan: SetPlan,
        part: Part,
        since: datetime,
        left: Sequence[Part],
        check: Callable[[RecordText], object],
        numbers: Sequence[str],
        *,
        all_digits: bool,
    ) -> tuple[KeptAnswer, Target | None]:
        series = plan.wanted.series
        is_whole = not plan.wanted.sql and not self.n
        keys = harvest_keys(series, numbers) if is_whole else needed_keys(plan, numbers)
        sent: list[Target | None] = []

        def first() -> None:
            if not self._is_checked:
                self.check(left)
                self._is_checked = True
            sent.append(self._target(series))

        def usable(given: RecordText) -> None:
            check(given)
            if not given.rows:
                self._confirm_empty(plan, part)

        began = self.mirror.catalogue.database.clock()
        question = Question(part.text, keys, n=self.n or None, all_digits=all_digits)
        answer = self.ask(question, since, first, usable)
        # where the request failed it may be one from before: the target says nothing of that
        is_of_target = is_whole and bool(sent) and answer.asked_utc >= began
        return answer, sent[0] if is_of_target else None

    def _confirm_empty(self, plan: SetPlan, part: Part) -> None:
        """Have the upstream confirm that it has nothing of a part, as a sync does.

        Nothing is all that there may be where it does not say how far the series has come, and no
        records are held.
        """
        series = plan.wanted.series
        target = self._target(series)
        largest = 0 if target is None else target.as_of.recnum
        if largest or (target is None and plan.table.row_count()):
            confirm_empty(self.upstream, series, part.text, largest)

    def _target(self, series: SeriesDefinition) -> Target | None:
        """The series as the upstream had it when the first part of it was asked for.

        None where it does not say how far it has come. One that went back is refused: what it says
        does not fit what is held.
        """
        if series.name not in self._targets:
            now = self.mirror.catalogue.database.clock()
            state = self.upstream.definition(series.name)
            target = None
            if state.max_recnum is not None:
                target = Target(state.definition, AsOf(state.max_recnum, now))
                refuse_going_back(self.mirror, target)
            self._targets[series.name] = target
        return self._targets[series.name]


def _typed(
    series: SeriesDefinition,
    part: Part,
    formats: Mapping[str, str],
    needed: Collection[str],
    given: RecordText,
    *,
    all_digits: bool,
) -> TypedRecords:
    """The records of an answer; refused where they are not what was asked for.

    Keywords that the upstream no longer has are left out where the question does not need them.
    """
    unknown = unknown_keys(series, given)
    if lacking := [key for key in unknown if key in needed]:
        raise UpstreamAnswerError(
            f"The upstream no longer knows {', '.join(lacking)} of {series.name}. What is held of "
            f"it is answered with --offline; drmsmirror sync has the mirror follow the upstream"
        )
    table = given.table.drop_columns([*unknown])
    typed = type_records(series, table, formats, all_digits=all_digits)
    _refuse_what_was_not_asked_for(series, part, typed)
    return typed


def _refuse_what_was_not_asked_for(
    series: SeriesDefinition, part: Part, typed: TypedRecords
) -> None:
    """Refuse records from elsewhere, or twice: they would stand beside those that are held."""
    supplement = Supplement(part.extents, typed.rows)
    elsewhere = supplement.count_elsewhere(series)
    known_by = [*series.internal_prime_keys] if typed.rows["recnum"].null_count else ["recnum"]
    twice = typed.rows.num_rows - typed.rows.group_by(known_by).aggregate([]).num_rows
    if elsewhere or twice:
        what = f"{elsewhere} records from elsewhere" if elsewhere else f"{twice} records twice"
        raise UpstreamAnswerError(
            f"The upstream's answer for {part.text} cannot be used: it has {what}. Nothing of it "
            f"was kept; try again later."
        )
