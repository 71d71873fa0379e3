"""Answer a question: from the mirror where it can, from the upstream where it must.

::

    question -> plan against coverage -> what is held    -> one answer
                                      -> what is missing: stored answers, then the upstream

What cannot be planned, since the mirror does not know the series or does not understand the form,
and what cannot be divided, goes to the upstream whole, as it was written.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa

from drmsmirror.client.answer import Answer, Source
from drmsmirror.client.batches import Batch, PrintedRows
from drmsmirror.client.definitions import Definitions, series_name
from drmsmirror.client.freshness import ANY_AGE, Freshness
from drmsmirror.client.patience import refuse_too_much
from drmsmirror.client.planner import Plan, plan_question
from drmsmirror.client.question import Asked
from drmsmirror.client.segmentpaths import asked_with_units, with_paths
from drmsmirror.client.supplied import Supplied, nothing
from drmsmirror.client.terms import Policy, Terms
from drmsmirror.errors import (
    NotFoundError,
    NotHeldError,
    NotUnderstoodError,
    UnknownSeriesError,
    UpstreamError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import extent_of
from drmsmirror.model.parts import Part, most_records
from drmsmirror.model.recordset import (
    BoundRecordSet,
    BoundSet,
    RecordSet,
    bind,
    parse_recordset,
)
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import KeyPlan, StoredRows, plan_keys, select_records
from drmsmirror.sharing import KeptAnswer, Question, SharedUpstream
from drmsmirror.upstream import RecordText

__all__ = ["Answering"]

#: Name that stands for all segments, or all links, of a series.
_ALL = "**ALL**"


class Answering:
    """One question on its way to an answer.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
        For as many seconds as the question may take.
    definitions : Definitions
    asked : Asked
    terms : Terms
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: SharedUpstream,
        definitions: Definitions,
        asked: Asked,
        terms: Terms,
    ) -> None:
        self._mirror = mirror
        self._upstream = upstream
        self._definitions = definitions
        self._asked = asked
        self._terms = terms
        self._now = mirror.catalogue.database.clock()
        self._is_offline = terms.policy is Policy.OFFLINE
        open_end = timedelta(hours=mirror.settings.query.open_end_hours)
        self._freshness = Freshness.at(
            self._now, terms.max_age, None if self._is_offline else open_end
        )

    def answer(self) -> Answer:
        """Give the answer.

        Raises
        ------
        NotHeldError
            The upstream may not be asked, and the mirror does not hold all that was asked for.
        TooSlowError
            The upstream would take longer than it is given.
        UpstreamError
            It failed, and the mirror does not hold all that was asked for.
        """
        if self._terms.policy is Policy.REMOTE:
            return self._whole()
        if self._is_offline and self._asked.segments and not self._asked.links:
            return self._with_paths()
        try:
            plan = self._plan(self._freshness)
        except (NotFoundError, NotUnderstoodError) as reason:
            return self._as_a_whole(reason)
        if (newer := self._kept_since(plan)) is not None:
            return newer
        if plan.is_held:
            return self._put_together(plan, [nothing(self._mirror, one) for one in plan.sets])
        if not plan.has_parts and not plan.is_whole(self._asked.n):
            return self._as_a_whole(NotHeldError(_shortage(plan)))
        try:
            return self._put_together(plan, self._supplied(plan))
        except (UpstreamError, NotHeldError) as failure:
            return self._held_after_all(failure, _shortage(plan))

    def _with_paths(self) -> Answer:
        """An answer with the segments of the records that are held, or else a stored one."""
        try:
            if len({str(one.series).lower() for one in self._tree.sets}) != 1:
                raise NotHeldError("Segments of several series are the upstream's to tell")
            segments = [one.name for one in self._definition().segments]
            asked = replace(self._asked, segments=_spelled(self._asked.segments, segments))
            answering = Answering(
                self._mirror,
                self._upstream,
                self._definitions,
                asked_with_units(asked),
                self._terms,
            )
            return with_paths(self._mirror, asked, answering.answer())
        except (NotFoundError, NotUnderstoodError) as reason:
            return self._as_a_whole(reason)

    def _kept_since(self, plan: Plan) -> Answer | None:
        """A stored answer to the question as it was written, that is newer than what is held."""
        keys = plan_keys(plan.keys.definition, self._asked.keys)
        kept = self._upstream.kept(self._question(keys))
        if kept is None or kept.asked_utc < self._since(plan.bound, keys, is_newest=True):
            return None
        return self._given(keys, kept)

    @cached_property
    def _tree(self) -> RecordSet:
        return parse_recordset(self._asked.ds)

    def _plan(self, freshness: Freshness) -> Plan:
        if self._asked.segments or self._asked.links:
            raise NotHeldError(
                "Where segments and links lead now is the upstream's to tell. Ask it (--policy "
                "remote), or for keywords alone"
            )
        bound = bind(self._tree, self._mirror.catalogue.definition)
        plan = plan_question(self._mirror, bound, self._asked.keys, freshness)
        if plan.keys.unknown and not self._is_offline:
            raise NotHeldError(f"The mirror knows no {', '.join(plan.keys.unknown)}")
        return plan

    # -- in parts ---------------------------------------------------------------------------------

    def _supplied(self, plan: Plan) -> list[Supplied]:
        from drmsmirror.client.fetching import Fetching  # it needs all that a sync needs

        fetching = Fetching(
            self._mirror,
            self._upstream,
            self._ask,
            lambda parts: self._refuse_too_much(parts, _shortage(plan)),
            self._asked.n,
            self._freshness,
        )
        return fetching.supplied(plan)

    def _ask(
        self,
        question: Question,
        since: datetime,
        first: Callable[[], object],
        check: Callable[[RecordText], object] | None = None,
    ) -> KeptAnswer:
        """A stored answer that is not older, or the upstream's; an older one where it fails."""
        if self._is_offline:
            kept = self._upstream.kept(question, not_before=since)
            if kept is None:
                raise NotHeldError(f"No answer to {question.record_set} is stored")
            return kept
        try:
            return self._upstream.ask(question, not_before=since, first=first, check=check)
        except UpstreamError:
            older = self._upstream.kept(question) if self._terms.max_age is None else None
            if older is None:
                raise
            return older

    def _refuse_too_much(self, parts: Sequence[Part], advice: str) -> None:
        if self._terms.policy is Policy.AUTO:
            refuse_too_much(
                self._upstream,
                parts,
                n=self._asked.n,
                wait=self._terms.wait,
                most_records=self._mirror.settings.sync.max_window,
                advice=advice,
            )

    def _put_together(self, plan: Plan, supplied: Sequence[Supplied], missing: str = "") -> Answer:
        asked_utc = [moment for one in supplied for moment in one.asked_utc]
        was_asked = any(moment >= self._now for moment in asked_utc)
        source = Source.LOCAL
        if was_asked:
            source = Source.MIXED if any(one.used for one in plan.sets) else Source.REMOTE
        return Answer(
            definition=plan.keys.definition,
            keys=plan.keys.keys,
            batches=self._batches(plan, supplied),
            source=source,
            complete=not missing,
            # a question that contradicts itself rests on nothing, and is answered as of now
            as_of_utc=min([*plan.read_utc, *asked_utc], default=self._now),
            missing=missing,
        )

    def _batches(self, plan: Plan, supplied: Sequence[Supplied]) -> Iterator[Batch]:
        for one, given in zip(plan.sets, supplied, strict=True):
            rows = select_records(
                one.table,
                one.wanted,
                one.keys.columns,
                limit=self._asked.n,
                table_of=self._mirror.table,
                supplement=given.supplement,
            )
            for batch in rows:
                yield StoredRows(one.keys, batch, given.formats)

    # -- whole ------------------------------------------------------------------------------------

    def _as_a_whole(self, reason: NotFoundError | NotUnderstoodError) -> Answer:
        try:
            return self._whole(_advice(reason))
        except (UpstreamError, NotHeldError) as failure:
            if self._is_offline:
                return self._kept_before(reason)
            return self._held_after_all(failure, _advice(reason))

    def _kept_before(self, reason: NotFoundError | NotUnderstoodError) -> Answer:
        """A stored answer that is older than it may be, where a part will do."""
        with suppress(UnknownSeriesError):
            keys = plan_keys(self._definition(), self._asked.keys)
            kept = self._upstream.kept(self._question(keys))
            if kept is not None:
                old = (
                    f"The mirror keeps an answer as of {kept.asked_utc:%Y-%m-%d %H:%M} UTC, which "
                    f"is too old. {reason}"
                )
                if not self._terms.partial:
                    raise NotHeldError(old) from None
                return replace(self._given(keys, kept), complete=False, missing=old)
        raise reason from None

    def _whole(self, advice: str = "") -> Answer:
        bound = self._bound()
        definition = self._definition()
        keys = plan_keys(definition, self._asked.keys)
        question = self._question(keys)
        if not (question.keys or question.segments or question.links):
            return self._nothing(definition)  # **NONE** asks for nothing
        if self._terms.policy is Policy.REMOTE:
            return self._given(keys, self._upstream.ask(question))
        part = Part(question.record_set, (), _most_records(bound))

        def usable(given: RecordText) -> None:
            if bound is not None and not given.rows:
                self._confirm_empty(question.record_set)

        answer = self._ask(
            question,
            self._since(bound, keys),
            lambda: self._refuse_too_much([part], advice),
            usable,
        )
        return self._given(keys, answer)

    def _confirm_empty(self, record_set: str) -> None:
        """Have the upstream confirm that it has nothing, where it says how far the series is."""
        from drmsmirror.sync.nothing import confirm_empty  # it needs all that a sync needs

        state = self._upstream.definition(series_name(record_set))
        if state.max_recnum:
            confirm_empty(self._upstream, state.definition, record_set, state.max_recnum)

    def _question(self, keys: KeyPlan) -> Question:
        """The question as it was written."""
        definition = keys.definition
        return Question(
            self._text(),
            tuple(dict.fromkeys(keys.keys)),
            _spelled(self._asked.segments, [one.name for one in definition.segments]),
            _spelled(self._asked.links, [one.name for one in definition.links]),
            self._asked.n or None,
        )

    def _definition(self) -> SeriesDefinition:
        """The definition of the first series; read anew where it lacks a keyword."""
        name = series_name(self._asked.ds)
        definition = self._definitions.of(name)
        if plan_keys(definition, self._asked.keys).unknown and not self._is_offline:
            with suppress(UpstreamError):
                return self._definitions.read(name)
        return definition

    def _bound(self) -> BoundRecordSet | None:
        """The question as far as it is understood; None where it is not."""
        try:
            return bind(self._tree, self._definitions.of)
        except NotUnderstoodError:
            return None

    def _text(self) -> str:
        """The question in canonical form, where it has one."""
        try:
            return str(self._tree)
        except NotUnderstoodError:
            return self._asked.ds.strip()

    def _since(
        self, bound: BoundRecordSet | None, keys: KeyPlan, *, is_newest: bool = False
    ) -> datetime:
        """The moment since which a stored answer to the whole question counts.

        Where files are stored changes at any time. What was said before a sync is out of date with
        it, offline too where it has to be the newest.
        """
        is_of_storage = bool(self._asked.segments or self._asked.links or keys.not_held)
        if bound is None or is_of_storage:
            return self._freshness.answers_since(keys.definition, ())
        since = [self._freshness.answers_since(one.series, extent_of(one)) for one in bound.sets]
        if is_newest or not self._is_offline:
            since += [entry.as_of_utc for one in bound.sets for entry in self._read_since(one)]
        return max(since)

    def _read_since(self, wanted: BoundSet) -> list[CoverageEntry]:
        """What was read of a set by itself."""
        with suppress(UnknownSeriesError):
            entries = self._mirror.catalogue.coverage(wanted.series.name)
            extents = extent_of(wanted)
            return [one for one in entries if any(e.intersection(one.extent) for e in extents)]
        return []

    def _given(self, keys: KeyPlan, kept: KeptAnswer) -> Answer:
        listed = kept.text()
        return Answer(
            definition=keys.definition,
            keys=keys.keys,
            batches=iter([_columns(listed.table)]),
            source=Source.REMOTE if kept.asked_utc >= self._now else Source.LOCAL,
            complete=True,
            as_of_utc=kept.asked_utc,
            segments=_columns(listed.segments),
            links=_columns(listed.links),
        )

    def _nothing(self, definition: SeriesDefinition) -> Answer:
        return Answer(definition, (), iter(()), Source.LOCAL, True, self._now)

    # -- when the upstream fails ------------------------------------------------------------------

    def _held_after_all(self, failure: UpstreamError | NotHeldError, shortage: str) -> Answer:
        """What is held where it answers the question as of an earlier moment, or in part."""
        plan = None
        with suppress(NotFoundError, NotUnderstoodError):
            plan = self._plan(ANY_AGE)
        if plan is not None and plan.is_held and self._terms.max_age is None:
            return self._put_together(plan, [nothing(self._mirror, one) for one in plan.sets])
        if plan is not None and plan.has_parts and self._terms.partial:
            supplied = [nothing(self._mirror, one) for one in plan.sets]
            return self._put_together(plan, supplied, missing=_shortage(plan) or shortage)
        if plan is not None:  # parts may have come before the failure
            shortage = _shortage(plan) or shortage
        if self._is_offline:
            raise NotHeldError(shortage) from None
        if isinstance(failure, UpstreamError):
            raise _with_advice(failure, shortage) from failure.__cause__
        raise failure


def _shortage(plan: Plan) -> str:
    return "\n".join(one.shortage for one in plan.sets if one.shortage)


def _advice(reason: NotFoundError | NotUnderstoodError) -> str:
    return str(reason) if isinstance(reason, NotHeldError) else ""


def _most_records(bound: BoundRecordSet | None) -> int | None:
    """How many records a whole question can have, where one can tell."""
    if bound is None or len(bound.sets) != 1:
        return None
    return most_records(bound.sets[0], extent_of(bound.sets[0]))


def _spelled(names: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for name in names for one in (every if name == _ALL else [name]))


def _columns(table: pa.Table) -> PrintedRows:
    return PrintedRows({name: table[name].to_pylist() for name in table.column_names})


def _with_advice(failure: UpstreamError, advice: str) -> UpstreamError:
    """The same error, that also says what is missing and how to get it."""
    if not advice:
        return failure
    told = copy.copy(failure)
    told.args = (f"{failure}\n{advice}", *failure.args[1:])
    return told
