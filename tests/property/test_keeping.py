"""A mirror kept current through whatever happens, against a model: what the upstream said when.

An upstream changes in every way that it can, requests fail, time passes; syncs, whole and in parts,
within limits, killed or not, upkeep and drops take turns with questions. The model is the list of
what the upstream said at each moment. What is promised is this:

* **A complete answer is the upstream's.** Of each combination of prime keys it shows what the
  upstream listed at the answer's as-of, or at a later moment up to the last at which it was asked
  for something (a run that was stopped or killed can have brought some of what is newer).
* **Following sees new numbers, and only those.** A change under a number that had been issued
  before, a record that vanished, and numbers that were issued again without that showing, are
  promised only once all was compared (``--reconcile``), or read again since the upstream was found
  to have gone back in time. Until then an answer shows any version that there was. A change of a
  version that is superseded is promised never, until it is listed again and all was compared.
* **That there is nothing is believed of no sync's upstream by itself**; a question believes it, so
  that questions are not put to an upstream that says so falsely.
* **What was not promised is said**: an answer that is not complete shows nothing that the upstream
  never had, and without a failing upstream only an offline question is refused.
* **Nothing is lost**: at the end a sync that is not disturbed, with everything compared, makes the
  mirror the upstream's equal, and every version that an answer from the mirror showed is among all
  versions. As of a tag it answers as it answered then, but for what was dropped since.
* **Runs add up**: a run's row has what its report says, requests are those that the upstream saw,
  and new and revised records make up the rows. No run in this process leaves a lease.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from drmsmirror.client.terms import Policy, Terms
from drmsmirror.failpoints import POINTS
from drmsmirror.model.subscription import Reconcile
from drmsmirror.sync import Task
from tests.jsoc import Fault, FaultKind
from tests.property.chronicle import Part
from tests.property.keeping import Kept

_IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

_POINTS = {
    "sync": [one for one in POINTS if one.startswith(("window.", "records.", "catalogue."))]
    + ["file.before_fsync", "file.before_rename", "file.after_rename"],
    "drop": [one for one in POINTS if one.startswith("drop.")],
    "maintain": [one for one in POINTS if one.startswith("log.") or one.endswith("_removal")],
}

_region = st.integers(1, 3)
_which = st.integers(0, 30)
_value = st.sampled_from([0.5, 2.0, 7.25, 4096.5])
_ahead = st.integers(0, 3)
_cell = st.tuples(_region, st.one_of(st.integers(0, 7), st.integers(0, 7), st.none()))
_part = st.one_of(
    st.just(Part()),
    st.just(Part()),
    st.builds(Part, st.lists(_region, min_size=1, max_size=2, unique=True).map(sorted).map(tuple)),
    st.tuples(st.integers(0, 7), st.integers(0, 7))
    .map(sorted)
    .map(lambda span: Part((), span[0], span[1])),
    st.builds(lambda region, first: Part((region,), first, first + 2), _region, st.integers(0, 6)),
)
_task = st.sampled_from(
    [
        Task(),
        Task(),
        Task(follows=False, reconcile=Reconcile.OFF),
        Task(reconcile=Reconcile.OFF),
        Task(everywhere=True),
        Task(reconcile=Reconcile.FULL, everywhere=True),
    ]
)
_count = st.sampled_from(["", "", ":2", ":3"])
_faults = st.sampled_from(
    [
        (Fault(FaultKind.HTML), None),
        (Fault(FaultKind.EMPTY_BODY), None),
        (Fault(FaultKind.NO_RECORDS), "rs_summary"),
        (Fault(FaultKind.NO_RECORDS), "rs_list"),
        (Fault(FaultKind.NO_RECORDS), None),
        (Fault(FaultKind.TRUNCATED_JSON), None),
        (Fault(FaultKind.HTTP_STATUS, status=503), None),
        (Fault(FaultKind.ERROR_BODY, status=4), None),
        (Fault(FaultKind.ERROR_BODY, status=6), "rs_list"),
        (Fault(FaultKind.OVERLOAD), None),
        (Fault(FaultKind.GARBAGE), "rs_summary"),
        (Fault(FaultKind.CLOSE_EARLY), "rs_list"),
        (Fault(FaultKind.WRONG_COLUMN_LENGTH), "rs_list"),
        (Fault(FaultKind.WRONG_COUNT), "rs_list"),
        (Fault(FaultKind.WRONG_COUNT), "rs_summary"),
        (Fault(FaultKind.DROPPED_KEYWORD), "rs_list"),
        (Fault(FaultKind.RENAMED_KEYWORD), "rs_list"),
    ]
)


class Keeping(RuleBasedStateMachine):
    """A mirror and its upstream."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = None

    @initialize(
        window=st.sampled_from([2, 5, 40]),
        files=st.sampled_from([2, 32]),
        cells=st.lists(_cell, min_size=1, max_size=12),
        values=st.lists(_value, min_size=12, max_size=12),
    )
    def begin(self, window, files, cells, values) -> None:
        self._opened = Kept.open(
            sync={"first_window": window, "max_window": max(window, 5)},
            records={"compact_above_files": files},
        )
        self.kept = self._opened.__enter__()
        self.upstream = self.kept.upstream
        self.upstream.append(cells, values[: len(cells)], far=False)
        self.kept.wait(0.1)

    # -- the upstream -----------------------------------------------------------------------------

    @rule(region=_region, ahead=_ahead, values=st.lists(_value, min_size=1, max_size=3))
    def grow(self, region, ahead, values) -> None:
        first = self.upstream.newest + ahead
        cells = [(region, first + number) for number in range(len(values))]
        self.upstream.append(cells, values, far=False)

    @rule(cell=_cell, value=_value, far=st.booleans())
    def come_late(self, cell, value, far) -> None:
        self.upstream.append([cell], [value], far=far)

    @rule(which=_which, value=_value)
    def revise(self, which, value) -> None:
        self.upstream.revise(which, value)

    @rule(which=_which, value=_value, dated=st.booleans())
    def change_in_place(self, which, value, dated) -> None:
        self.upstream.change_in_place(which, value, dated=dated)

    @rule(which=_which)
    def vanish(self, which) -> None:
        self.upstream.vanish(which)

    @rule(steps=st.integers(1, 8))
    def roll_back(self, steps) -> None:
        self.upstream.roll_back(steps)

    @rule()
    def rebuild(self) -> None:
        self.upstream.rebuild()

    @rule()
    def add_keyword(self) -> None:
        self.upstream.add_keyword()

    @rule(fault=_faults, times=st.sampled_from([1, 1, 3, None]))
    def fail(self, fault, times) -> None:
        self.kept.fail(fault[0], times, fault[1])

    @rule(hours=st.sampled_from([1, 25, 24 * 40]))
    def wait(self, hours) -> None:
        self.kept.wait(hours)

    # -- the mirror -------------------------------------------------------------------------------

    @rule(part=_part, task=_task)
    def sync(self, part, task) -> None:
        self.kept.sync(part, task)

    @rule(part=_part, task=_task, most=st.integers(1, 12))
    def sync_few_requests(self, part, task, most) -> None:
        self.kept.sync(part, task, most_requests=most)

    @rule(part=_part, task=_task)
    def sync_without_time(self, part, task) -> None:
        self.kept.sync(part, task, seconds=0.0)

    @rule(part=_part, task=_task, which=_which, value=_value, kind=st.integers(0, 3))
    def sync_meanwhile(self, part, task, which, value, kind) -> None:
        def change() -> None:
            upstream = self.upstream
            if kind == 0:
                upstream.append([(1, which % 8)], [value], far=False)
            elif kind == 1:
                upstream.revise(which, value)
            elif kind == 2:
                upstream.change_in_place(which, value, dated=True)
            else:
                upstream.vanish(which)

        self.kept.sync(part, task, meanwhile=change)

    @rule(part=_part, task=_task, point=st.sampled_from(_POINTS["sync"]), count=_count)
    def sync_killed(self, part, task, point, count) -> None:
        self.kept.sync_killed(point + count, part, task)

    @rule(point=st.sampled_from(["", "", *_POINTS["maintain"]]))
    def maintain(self, point) -> None:
        self.kept.maintain(point)

    @rule(part=_part, point=st.sampled_from(["", "", *_POINTS["drop"]]))
    def drop(self, part, point) -> None:
        self.kept.drop(part, point)

    @precondition(lambda self: self.kept.attempts)
    @rule()
    def tag(self) -> None:
        self.kept.tag()

    # -- questions --------------------------------------------------------------------------------

    @rule(part=_part, partial=st.booleans())
    def ask_offline(self, part, partial) -> None:
        self.kept.ask(part, Terms(Policy.OFFLINE, partial=partial))

    @rule(part=_part)
    def ask(self, part) -> None:
        self.kept.ask(part, Terms(Policy.AUTO))

    @precondition(lambda self: self.kept.tagged)
    @rule(which=_which)
    def ask_tag(self, which) -> None:
        names = sorted(self.kept.tagged)
        self.kept.ask_tag(names[which % len(names)])

    def teardown(self) -> None:
        if self._opened is None:
            return
        try:
            self.kept.check_all()
        finally:
            self._opened.__exit__(None, None, None)


def test_through_whatever_happens_the_mirror_keeps_its_promises() -> None:
    run_state_machine_as_test(
        Keeping,
        settings=settings(
            max_examples=400 if _IS_SOAK else 2,
            # to shrink a failure takes minutes, for which nobody waits before a commit
            phases=tuple(Phase) if _IS_SOAK else (Phase.explicit, Phase.reuse, Phase.generate),
            stateful_step_count=25 if _IS_SOAK else 10,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
