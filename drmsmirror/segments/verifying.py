"""Verification: whether every file that the index names is there, and has the bytes that it had.

Objects are read in order of name. To read all of them can take days; it is noted when each was
read, so that who goes on with it later reads the others first. What seems damaged is looked at
again before it is told: it may have been let go meanwhile.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from drmsmirror.catalogue import HeldObject, ObjectTotals
from drmsmirror.mirror import Mirror
from drmsmirror.objects import Condition, Stored
from drmsmirror.segments.adopting import Exports
from drmsmirror.segments.files import Files
from drmsmirror.segments.repairing import repair
from drmsmirror.segments.room import Room
from drmsmirror.segments.trouble import Problem, Remedy, Trouble

__all__ = ["Progress", "Verified", "read_some", "verify"]

#: So many rows are read at once, and so many objects are repaired together.
_AT_ONCE = 500
_REPAIRED_TOGETHER = 100
#: What was read is noted at least so often, seconds.
_NOTED_EVERY = 10.0
#: An object that no row speaks of may be one that is just being stored, unless it is older.
_UNINDEXED = timedelta(days=1)
#: Troubles that are kept to be told together; all are counted.
_MOST_KEPT = 1000

_PROBLEMS = {
    Condition.MISSING: Problem.MISSING,
    Condition.TORN: Problem.TORN,
    Condition.ROTTEN: Problem.ROTTEN,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come.

    Parameters
    ----------
    done, total : ObjectTotals
        Objects that were looked at, and that are to be.
    seconds : float
        Since it began.
    """

    done: ObjectTotals
    total: ObjectTotals
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes, as fast as it went so far; None before that can be told."""
        if not self.done.size_bytes:
            return None
        left = max(0, self.total.size_bytes - self.done.size_bytes)
        return self.seconds * left / self.done.size_bytes


@dataclass(slots=True)
class Verified:
    """What was found.

    Parameters
    ----------
    begun_utc : datetime
        When it was begun to look at all objects; earlier than now where an earlier call began.
    objects, size_bytes : int
        What was looked at.
    is_complete : bool
        Whether that were all that were to be looked at; else the next call goes on.
    problems, remedies : Counter
        How many objects there were of each.
    troubles : list of Trouble
        Those objects, the first thousand.
    """

    begun_utc: datetime
    objects: int = 0
    size_bytes: int = 0
    is_complete: bool = False
    problems: Counter[Problem] = field(default_factory=Counter)
    remedies: Counter[Remedy] = field(default_factory=Counter)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def unrepaired(self) -> int:
        """How many objects are not as they should be."""
        return sum(count for remedy, count in self.remedies.items() if not remedy.is_repaired)

    def add(self, trouble: Trouble) -> None:
        """Count one in, and keep it."""
        self.problems[trouble.problem] += 1
        self.remedies[trouble.remedy] += 1
        if len(self.troubles) < _MOST_KEPT:
            self.troubles.append(trouble)


def verify(
    mirror: Mirror,
    *,
    quick: bool = False,
    sample: float | None = None,
    seconds: float = math.inf,
    repair_with: Files | None = None,
    told: Callable[[Trouble], object] = lambda _: None,
    progress: Callable[[Progress], object] = lambda _: None,
    ticks: Callable[[], float] = time.monotonic,
) -> Verified:
    """Look at objects, and repair them if that is wanted.

    Parameters
    ----------
    mirror : Mirror
    quick : bool
        Only whether each is there and has its size.
    sample : float, optional
        Read this share of them, chosen at random, in place of all.
    seconds : float
        Time after which no further object is begun.
    repair_with : Files, optional
        Fetches anew what is damaged; without it that is told, and given to nobody.
    told : callable
        Hears of each trouble, when it is known what became of it.
    progress : callable
        Hears how far it has come, after each object.
    ticks : callable
        Gives seconds that go by.
    """
    work = _Work(mirror, repair_with, ticks() + seconds, told, progress, ticks)
    now = mirror.catalogue.database.clock()
    if quick:
        return work.look_at_all(Verified(now))
    if sample is not None:
        return work.read_sample(Verified(now), sample)
    return work.read_all(Verified(mirror.catalogue.object_care.begin_reading_all()))


def read_some(mirror: Mirror, since: datetime, most_bytes: int) -> Verified:
    """Read objects that were neither read nor stored since a moment, so many bytes of them.

    At least one is read, where there is one.
    """
    work = _Work(mirror)
    return work.read_some(Verified(mirror.catalogue.database.clock()), since, most_bytes)


@dataclass
class _Work:
    """A verification that is under way."""

    mirror: Mirror
    files: Files | None = None
    ends_at: float = math.inf
    told: Callable[[Trouble], object] = lambda _: None
    progress: Callable[[Progress], object] = lambda _: None
    ticks: Callable[[], float] = time.monotonic
    waiting: list[Trouble] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.care = self.mirror.catalogue.object_care
        self.index = self.mirror.catalogue.segments
        self.store = self.mirror.objects
        self.began = self.noted = self.ticks()
        self.sound: list[str] = []

    # -- ways to look -----------------------------------------------------------------------------

    def read_all(self, found: Verified) -> Verified:
        self._look_for_wanted(found)
        total = self.care.unread_totals(found.begun_utc)
        if self._read(found, self._unread(found.begun_utc), total) and self._look_for_unindexed(
            found
        ):
            self.care.end_reading_all()
            found.is_complete = True
        return found

    def read_sample(self, found: Verified, share: float) -> Verified:
        self._look_for_wanted(found)
        whole = self.index.totals()
        total = ObjectTotals(round(whole.objects * share), round(whole.size_bytes * share))
        draw = random.Random()  # noqa: S311 - nothing secret about it
        some = (one for one in self._all() if draw.random() < share)
        found.is_complete = self._read(found, some, total)
        return found

    def read_some(self, found: Verified, since: datetime, most_bytes: int) -> Verified:
        found.is_complete = self._read(
            found, _as_far(self._unread(since), most_bytes), self.care.unread_totals(since)
        )
        return found

    def look_at_all(self, found: Verified) -> Verified:
        """Compare the index with the store, both in order of name."""
        self._look_for_wanted(found)
        total = self.index.totals()
        unindexed: list[Stored] = []
        for held, stored in _side_by_side(self._all(), self.store.walk()):
            if self._has_no_time():
                break
            if held is None and stored is not None:
                unindexed.append(stored)
            elif held is not None and (stored is None or stored.size_bytes != held.size_bytes):
                self._suspect(found, held.sha256, self._size_finding)
            if held is not None:
                self._count(found, held, total)
            if len(unindexed) == _AT_ONCE:
                self._tell_unindexed(found, unindexed)
                unindexed.clear()
        else:
            found.is_complete = True
        self._tell_unindexed(found, unindexed)
        self._repair(found, at_least=1)
        return found

    # -- reading ----------------------------------------------------------------------------------

    def _read(self, found: Verified, objects: Iterator[HeldObject], total: ObjectTotals) -> bool:
        """Read objects whole; False where there was no time for all."""
        is_complete = True
        try:
            for one in objects:
                if self._has_no_time():
                    is_complete = False
                    break
                finding = self.store.hash_of(one.sha256, one.size_bytes)
                if finding.condition is Condition.INTACT:
                    self._note(one.sha256)
                else:
                    self._suspect(found, one.sha256, self._read_finding)
                self._count(found, one, total)
            self._repair(found, at_least=1)
        finally:
            self._note()
        return is_complete

    def _note(self, *sound: str) -> None:
        """Note what was read and is sound: not each by itself, and all at the end."""
        self.sound += sound
        is_time = self.ticks() - self.noted >= _NOTED_EVERY
        if self.sound and (not sound or is_time or len(self.sound) >= _AT_ONCE):
            self.index.say_sound(*self.sound)
            self.sound.clear()
            self.noted = self.ticks()

    def _unread(self, since: datetime) -> Iterator[HeldObject]:
        after = ""
        while some := self.care.unread(since, after, most=_AT_ONCE):
            yield from some
            after = some[-1].sha256

    def _all(self) -> Iterator[HeldObject]:
        after = ""
        while some := self.index.objects(after, most=_AT_ONCE):
            yield from some
            after = some[-1].sha256

    # -- what is found ----------------------------------------------------------------------------

    def _suspect(self, found: Verified, sha256: str, look: Callable[[str, int], Condition]) -> None:
        """Look again at an object, if it still counts, and tell what is wrong with it."""
        size = self.care.size_of(sha256)
        if size is None or (condition := look(sha256, size)) is Condition.INTACT:
            return
        if self.care.size_of(sha256) is None:  # it was let go between the two looks
            return
        files, problem = self.index.files_of(sha256), _PROBLEMS[condition]
        exported = () if files else Exports(self.mirror).shown_by(sha256)
        trouble = Trouble(sha256, problem, size, files or exported, is_adopted=bool(exported))
        self._suffer(found, trouble)

    def _suffer(self, found: Verified, trouble: Trouble) -> None:
        """Tell a trouble, or have it repaired with others."""
        if self.files is None:
            if not self.mirror.catalogue.database.read_only:
                self.index.say_damaged(trouble.sha256)
            self._tell(found, trouble)
            return
        self.waiting.append(trouble)
        self._repair(found, at_least=_REPAIRED_TOGETHER)

    def _read_finding(self, sha256: str, size: int) -> Condition:
        return self.store.hash_of(sha256, size).condition

    def _size_finding(self, sha256: str, size: int) -> Condition:
        there = self.store.size(sha256)
        if there is None:
            return Condition.MISSING
        return Condition.INTACT if there == size else Condition.TORN

    def _repair(self, found: Verified, *, at_least: int) -> None:
        if self.files is None or len(self.waiting) < at_least:
            return
        several, self.waiting = self.waiting, []
        for trouble in repair(self.mirror, self.files, several):
            self._tell(found, trouble)

    def _look_for_wanted(self, found: Verified) -> None:
        """Take up what a repair began that was killed, or for which the upstream was away."""
        for sha256, files in self.index.wanted().items():
            self._suffer(found, Trouble(sha256, Problem.MISSING, 0, files))
        self._repair(found, at_least=1)

    def _look_for_unindexed(self, found: Verified) -> bool:
        """Look for objects that no row speaks of; False where there was no time for all."""
        there = self.store.walk()
        while some := list(islice(there, _AT_ONCE)):
            if self._has_no_time():
                return False
            self._tell_unindexed(found, some)
        return True

    def _tell_unindexed(self, found: Verified, objects: list[Stored]) -> None:
        """Tell which of some objects no row speaks of, and remove them if that is wanted."""
        known = self.index.known([one.sha256 for one in objects])
        before = (self.mirror.catalogue.database.clock() - _UNINDEXED).timestamp()
        unknown = [
            one
            for one in objects
            if one.sha256 not in known and (self.store.written_at(one.sha256) or before) < before
        ]
        remedy = Remedy.NONE
        if unknown and self.files is not None and Room(self.mirror).remove_unknown(unknown).objects:
            remedy = Remedy.REMOVED
        for one in unknown:
            self._tell(found, Trouble(one.sha256, Problem.UNINDEXED, one.size_bytes, remedy=remedy))

    def _tell(self, found: Verified, trouble: Trouble) -> None:
        found.add(trouble)
        self.told(trouble)

    def _count(self, found: Verified, one: HeldObject, total: ObjectTotals) -> None:
        found.objects += 1
        found.size_bytes += one.size_bytes
        done = ObjectTotals(found.objects, found.size_bytes)
        self.progress(Progress(done, total, self.ticks() - self.began))

    def _has_no_time(self) -> bool:
        return self.ticks() >= self.ends_at


def _as_far(objects: Iterator[HeldObject], most_bytes: int) -> Iterator[HeldObject]:
    """Objects of no more than some bytes together, but at least one."""
    size = 0
    for number, one in enumerate(objects):
        size += one.size_bytes
        if number and size > most_bytes:
            return
        yield one


def _side_by_side(
    index: Iterator[HeldObject], store: Iterator[Stored]
) -> Iterator[tuple[HeldObject | None, Stored | None]]:
    """What two lists in order of name have, each name once."""
    held, stored = next(index, None), next(store, None)
    while held is not None or stored is not None:
        if stored is None or (held is not None and held.sha256 < stored.sha256):
            yield held, None
            held = next(index, None)
        elif held is None or stored.sha256 < held.sha256:
            yield None, stored
            stored = next(store, None)
        else:
            yield held, stored
            held, stored = next(index, None), next(store, None)
