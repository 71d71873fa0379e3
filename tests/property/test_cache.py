"""A cache of segment files through whatever happens, against a model of what it promises.

Files are wanted, pinned, evicted and removed behind its back; storage units go to tape, come back
elsewhere or are lost; requests fail; processes are killed; the clock goes on, back and far ahead.
What is promised is this:

* **What is given is the upstream's file**, byte for byte, and what is there is given without a
  request. What is not there costs one download at most.
* **What comes of a file is what the upstream says of it**: fetched, lost, on tape, without one; it
  fails only where a request does, or where there is no room. A failure is told again for a while.
* **A path that was given stays** for as long as was promised, and a pinned file for ever.
* **There is never more than there may be**, and what the index says is there is there.
* **Nothing is lost or left**: in the end every file comes, and neither parts, nor reservations, nor
  objects that nothing names are there.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.jsoc import Fault, FaultKind
from tests.property.caching import Cached

_IS_SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"

_number = st.integers(0, 11)
_some = st.lists(_number, min_size=1, max_size=4, unique=True)
_faults = st.sampled_from(
    [
        (Fault(FaultKind.CLOSE_EARLY), "file"),
        (Fault(FaultKind.CLOSE_EARLY), "file"),
        (Fault(FaultKind.TRUNCATED), "file"),
        (Fault(FaultKind.EMPTY_BODY), "file"),
        (Fault(FaultKind.HTML), "file"),
        (Fault(FaultKind.NO_RANGES), "file"),
        (Fault(FaultKind.OVERLOAD), "file"),
        (Fault(FaultKind.HTTP_STATUS, status=404), "file"),
        (Fault(FaultKind.HTTP_STATUS, status=503), "file"),
        (Fault(FaultKind.HTTP_STATUS, status=503, retry_after="60"), "file"),
        (Fault(FaultKind.HTML), "rs_list"),
        (Fault(FaultKind.HTTP_STATUS, status=503), "rs_list"),
        (Fault(FaultKind.HTML), "jsoc_fetch"),
    ]
)
_points = st.sampled_from(
    [
        "file.before_appending",
        "file.after_appending",
        "file.after_appending:2",
        "file.before_fsync",
        "file.before_rename",
        "file.after_rename",
        "file.before_removal",
        "file.after_removal",
        "directory.after_making",
        *(
            f"catalogue.{side}_commit:{visit}"
            for side in ("before", "after")
            for visit in range(1, 9)
        ),
    ]
)
_going_points = st.sampled_from(
    ["", "", "file.before_removal", "file.after_removal", "catalogue.after_commit:2",
     "catalogue.before_commit:3", "catalogue.after_commit:3", "catalogue.before_commit:4"]
)  # fmt: skip


class Caching(RuleBasedStateMachine):
    """A cache and its upstream."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = None

    @initialize(
        files=st.sampled_from([0, 3.5, 6.5]),
        keep_hours=st.sampled_from([0.0, 24.0]),
        email=st.sampled_from(["", "you@example.org"]),
    )
    def begin(self, files, keep_hours, email) -> None:
        self._opened = Cached.open(files, keep_hours, email)
        self.cached = self._opened.__enter__()

    # -- the mirror -------------------------------------------------------------------------------

    @rule(numbers=_some, again=st.booleans())
    def get(self, numbers, again) -> None:
        self.cached.get(numbers, again=again)

    @rule(numbers=_some)
    def get_what_is_there(self, numbers) -> None:
        self.cached.get(numbers, may_ask=False)

    @rule(numbers=_some, point=_points)
    def get_killed(self, numbers, point) -> None:
        self.cached.get_killed(numbers, point)

    @rule(files=st.integers(0, 4), point=_going_points)
    def shrink(self, files, point) -> None:
        self.cached.shrink(files, point)

    @rule(number=_number)
    def pin(self, number) -> None:
        self.cached.pin(number)

    @rule()
    def unpin(self) -> None:
        self.cached.unpin()

    @rule(number=_number)
    def remove(self, number) -> None:
        self.cached.remove(number)

    @rule(hours=st.sampled_from([0.2, 0.9, 2, 26, 26, 24 * 365, -3, -24 * 365]))
    def move_clock(self, hours) -> None:
        self.cached.move_clock(hours)

    # -- the upstream -----------------------------------------------------------------------------

    @rule(number=_number, what=st.sampled_from(["take_offline", "bring_online", "lose"]))
    def unit(self, number, what) -> None:
        cache = self.cached.cache
        getattr(cache.jsoc, what)([cache.unit(cache.file(number))])

    @rule(number=_number, partition=st.integers(0, 96))
    def restage(self, number, partition) -> None:
        cache = self.cached.cache
        cache.jsoc.restage([cache.unit(cache.file(number))], partition)

    @rule(number=_number, name=st.sampled_from(["", "magnetogram.fits", "other.fits"]))
    def name(self, number, name) -> None:
        self.cached.name(number, name)

    @rule(fault=_faults)
    def fail(self, fault) -> None:
        self.cached.fail(*fault)

    # -- always -----------------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        if self._opened is not None:
            self.cached.check()

    def teardown(self) -> None:
        if self._opened is None:
            return
        try:
            self.cached.check_all()
        finally:
            self._opened.__exit__(None, None, None)


def test_through_whatever_happens_the_cache_keeps_its_promises() -> None:
    run_state_machine_as_test(
        Caching,
        settings=settings(
            max_examples=400 if _IS_SOAK else 2,
            # to shrink a failure takes minutes, for which nobody waits before a commit
            phases=tuple(Phase) if _IS_SOAK else (Phase.explicit, Phase.reuse, Phase.generate),
            stateful_step_count=30 if _IS_SOAK else 15,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
