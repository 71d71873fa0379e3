"""A cache of segment files through whatever happens, and what it promises, held against a model."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache as once
from pathlib import Path

from drmsmirror.catalogue import Catalogue
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.segments.outcome import FileState, Outcome
from drmsmirror.segments.room import Room
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc
from tests.jsoc import Fault
from tests.jsoc.storage import UnitState
from tests.property.killed import run_until
from tests.unit.segments.world import SERIES, Cache, assert_sound, cache, objects, parts

__all__ = ["SIZE", "Cached"]

#: Bytes of each file.
SIZE = 11_520

_USUAL = "magnetogram.fits"
_FAILED = FileState.FAILED
#: What can come of a file that is not there, by what became of its storage unit.
_EXPECTED = {
    UnitState.ONLINE: {FileState.FETCHED},
    UnitState.OFFLINE: {FileState.FETCHED, FileState.ORDERED, FileState.ON_TAPE},
    UnitState.GONE: {FileState.LOST},
}


@once
def _empty() -> Path:
    """A catalogue in which nothing is; it is copied, since migrations take longer."""
    path = Path(tempfile.mkdtemp()) / "catalogue.sqlite"
    Catalogue.create(path).close()
    return path


@dataclass
class Cached:
    """A cache, and what was promised of it.

    Parameters
    ----------
    cache : Cache
    """

    cache: Cache
    #: Files that are there, as far as is known.
    there: set[SegmentFile] = field(default_factory=set)
    #: Paths that were given out, and until when they stay.
    promised: dict[Path, datetime] = field(default_factory=dict)
    pinned: set[SegmentFile] = field(default_factory=set)
    #: Files whose bytes somebody removed.
    removed: set[SegmentFile] = field(default_factory=set)
    has_faults: bool = False

    @classmethod
    @contextmanager
    def open(cls, files: float, keep_hours: float, email: str) -> Iterator[Cached]:
        """Open one in which so many files have room, 0 for no limit."""
        segments = {"max_gib": files * SIZE / 2**30, "keep_hours": keep_hours, "email": email}
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            opened = stack.enter_context(
                cache(folder, _empty(), segments=segments | {"order_wait": 0.0})
            )
            opened.jsoc.exports.polls = 0
            yield cls(opened)

    # -- what is done -----------------------------------------------------------------------------

    def get(self, numbers: Iterable[int], *, again: bool = False, may_ask: bool = True) -> None:
        """Get some files; each outcome must be one that is promised."""
        wanted = [self.cache.file(number) for number in numbers]
        index, now = self._index, self.cache.clock.now
        held = index.locate(wanted)
        there = {file for file in wanted if file in held and held[file].sha256 in self._objects}
        failed = {
            file: failure.state
            for file, failure in index.failures(wanted).items()
            if not again and file not in held and now < failure.until_utc
            and failure.failed_utc <= now + timedelta(minutes=10)
        }  # fmt: skip
        self.cache.asked()
        outcomes = self.cache.get(*wanted, again=again, may_ask=may_ask)
        asked = [told for told in self.cache.asked() if told[:3].isdigit()]
        missing = set(wanted) - there - set(failed) if may_ask else set()
        assert len(asked) <= len(missing), (asked, missing)
        for file, outcome in outcomes.items():
            if file in there:
                assert outcome.state is FileState.HELD
            elif not may_ask:
                assert outcome.state is FileState.NOT_HELD
            elif file in failed and file not in self.removed:
                assert outcome.state.value == failed[file]
            else:
                self._assert_expected(outcome)
            self._note(outcome)

    def _assert_expected(self, outcome: Outcome) -> None:
        """What came of a file that was not there is what the upstream had to say of it."""
        if outcome.state is _FAILED:
            assert self.has_faults or "No room" in outcome.message, outcome
            return
        unit = self.cache.jsoc.units.state(self.cache.unit(outcome.file))
        expected = _EXPECTED[unit]
        if unit is UnitState.ONLINE:
            # it may have come from tape just now, ordered with others
            expected = expected | {FileState.NO_FILE}
        assert outcome.state in expected | {FileState.NO_FILE}, (outcome, unit)

    def _note(self, outcome: Outcome) -> None:
        if not outcome.state.is_there:
            assert outcome.path is None
            return
        self.cache.assert_is(outcome)
        assert outcome.path is not None
        self.there.add(outcome.file)
        self.removed.discard(outcome.file)
        keep = timedelta(hours=self.cache.settings.segments.keep_hours)
        self.promised[outcome.path] = self.cache.clock.now + keep

    def get_killed(self, numbers: Iterable[int], point: str) -> None:
        """Have a process get some, and killed at a point, if it comes there."""
        files = [self.cache.file(number) for number in numbers]
        run_until(point, self.cache.settings, self.cache.clock.now, _fetch, files)
        self.cache.asked()

    def shrink(self, files: int, point: str = "") -> None:
        """Let files go until so many are left, perhaps in a process that is killed at a point."""
        if point:
            run_until(point, self.cache.settings, self.cache.clock.now, _shrink, files * SIZE)
            return
        self.cache.room.shrink(most_bytes=files * SIZE, unused_for=None)

    def pin(self, number: int) -> None:
        """Pin a file."""
        file = self.cache.file(number)
        self.cache.mirror.catalogue.pins.add(str(file), [file])
        self.pinned.add(file)

    def unpin(self) -> None:
        """Unpin all of them."""
        for file in self.pinned:
            self.cache.mirror.catalogue.pins.remove(str(file))
        self.pinned.clear()

    def remove(self, number: int) -> None:
        """Remove the bytes of a file behind the mirror's back."""
        file = self.cache.file(number)
        held = self._index.locate([file]).get(file)
        path = None if held is None else self._objects.get(held.sha256)
        if path is not None:
            path.unlink()
            self.promised.pop(path, None)
            self.removed.add(file)

    def move_clock(self, hours: float) -> None:
        """Set the clock forward, or back: what was promised is promised from now on then."""
        self.cache.clock.move(3600 * hours)
        latest = self.cache.clock.now + timedelta(hours=self.cache.settings.segments.keep_hours)
        self.promised = {path: min(until, latest) for path, until in self.promised.items()}

    def fail(self, fault: Fault, when: str) -> None:
        """Have the upstream fail once."""
        self.cache.jsoc.fault(fault, when=when)
        self.has_faults = True

    def name(self, number: int, name: str) -> None:
        """Give a record another file name, or none."""
        self.cache.jsoc.name_file(SERIES, self.cache.file(number).recnum, "magnetogram", name)

    # -- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """What holds at any moment."""
        mirror, settings = self.cache.mirror, self.cache.settings
        gone = {file for file in self.removed if self._lacks(file)}
        if not gone:
            assert_sound(mirror, at_rest=False)
        most = round(settings.segments.max_gib * 2**30)
        assert not most or self._index.totals().size_bytes <= most
        for path, until in self.promised.items():
            assert path.exists() or until <= self.cache.clock.now, path
        files = self.cache.some(len(self.cache.recnums))
        there = set(self._index.locate(files))
        went = self.there - there - self.removed
        assert not went & self.pinned
        self.there = there
        self.removed &= gone

    def check_all(self) -> None:
        """In the end all comes, and nothing is left of what was killed or failed."""
        jsoc, clock = self.cache.jsoc, self.cache.clock
        jsoc.clear_faults()
        self.has_faults = False
        self.unpin()
        files = self.cache.some(len(self.cache.recnums))
        jsoc.bring_online({self.cache.unit(file) for file in files})
        for number in range(len(files)):
            self.name(number, _USUAL)
            clock.move(3600 * 24 * 400)  # whatever it was: no pause, no failure, no promise is left
            self.get([number], again=True)
            assert files[number] in self.there
            self.check()
        self.cache.room.finish_going()
        assert parts(self.cache.settings.mirror) == []
        self.cache.mirror.objects.remove_abandoned(math.inf)  # a note on a part that is no more
        assert_sound(self.cache.mirror)

    @property
    def _index(self):
        return self.cache.mirror.catalogue.segments

    @property
    def _objects(self) -> dict[str, Path]:
        return objects(self.cache.settings.mirror)

    def _lacks(self, file: SegmentFile) -> bool:
        """Whether the index still speaks of a file whose bytes were removed."""
        held = self._index.locate([file]).get(file)
        return held is not None and held.sha256 not in self._objects


def _fetch(mirror: Mirror, files: list[SegmentFile]) -> None:
    upstream = SharedUpstream(mirror, Jsoc(mirror.settings.upstream))
    for _ in Files(mirror, upstream, lambda _: None).get(files):
        pass


def _shrink(mirror: Mirror, most_bytes: int) -> None:
    Room(mirror).shrink(most_bytes=most_bytes, unused_for=None)
