"""A cache of segment files beside a sample upstream, and what always holds of it."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drmsmirror.catalogue import Catalogue, has_ended
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.segments.outcome import Outcome
from drmsmirror.segments.room import Room
from drmsmirror.settings import Settings
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc
from tests.contract.conftest import Clock
from tests.jsoc import Fault, FaultKind, Request, SampleJsoc
from tests.unit.sync.mirrors import series, settings_for

__all__ = ["SERIES", "Cache", "Holding", "assert_sound", "cache", "settings_of"]

SERIES = "hmi.M_45s"
SEGMENT = "magnetogram"


@dataclass
class Cache:
    """A mirror's files, and the upstream that they come from.

    Parameters
    ----------
    jsoc : SampleJsoc
    mirror : Mirror
    clock : Clock
        The mirror's.
    pauses : list of float
        How long was waited, in order; the clock is moved on in place of waiting.
    while_pausing : callable
        Does something in every pause.
    """

    jsoc: SampleJsoc
    mirror: Mirror
    clock: Clock
    pauses: list[float] = field(default_factory=list)
    while_pausing: Callable[[], object] = lambda: None

    @property
    def settings(self) -> Settings:
        return self.mirror.settings

    @property
    def files(self) -> Files:
        """The files as a process of its own has them."""
        upstream = SharedUpstream(self.mirror, Jsoc(self.settings.upstream), pause=self._pause)
        return Files(self.mirror, upstream, self._pause)

    @property
    def room(self) -> Room:
        return Room(self.mirror, self._pause)

    def with_settings(self, **sections: dict[str, Any]) -> Cache:
        """The same with other settings."""
        settings = settings_of(self.settings.mirror, self.jsoc, **sections)
        return Cache(self.jsoc, Mirror(settings, self.mirror.catalogue), self.clock)

    def file(self, number: int = 0, segment: str = SEGMENT) -> SegmentFile:
        """The file of the n-th record."""
        return SegmentFile(SERIES, 0, self.recnums[number], segment)

    def some(self, count: int) -> list[SegmentFile]:
        return [self.file(number) for number in range(count)]

    def apart(self, count: int) -> list[SegmentFile]:
        """Files of storage units of their own."""
        units = {self.unit(file): file for file in reversed(self.some(len(self.recnums)))}
        return sorted(units.values())[:count]

    @property
    def recnums(self) -> list[int]:
        return sorted(self.jsoc.series(SERIES).columns["recnum"].tolist())

    def unit(self, file: SegmentFile) -> int:
        """The storage unit in which a file is."""
        (sunum,) = self.jsoc.sunums(file.series, [file.recnum])
        return sunum

    def get(self, *files: SegmentFile, **terms: bool) -> dict[SegmentFile, Outcome]:
        """Get files; there is one outcome of each."""
        outcomes = list(self.files.get(files, **terms))
        assert sorted(outcome.file for outcome in outcomes) == sorted(set(files))
        return {outcome.file: outcome for outcome in outcomes}

    def get_one(self, file: SegmentFile, **terms: bool) -> Outcome:
        return self.get(file, **terms)[file]

    def truth(self, file: SegmentFile) -> bytes:
        """What the upstream has under a file, read without a request."""
        found = self.jsoc.series(file.series)
        row = found.columns["recnum"].tolist().index(file.recnum)
        (one,) = (
            one for one in self.jsoc.shelf.files(found, row) if one.segment.name == file.segment
        )
        return self.jsoc.shelf.read(one)

    def asked(self) -> list[str]:
        """What was asked since it was last looked: operations, and of files how they were had."""
        told = [_told(request) for request in self.jsoc.requests]
        self.jsoc.clear_requests()
        return told

    def assert_is(self, outcome: Outcome, content: bytes | None = None) -> None:
        """A file is there, and has the bytes of the upstream."""
        expected = self.truth(outcome.file) if content is None else content
        assert outcome.state.is_there, outcome
        assert outcome.path is not None
        assert outcome.path.read_bytes() == expected
        assert outcome.sha256 == hashlib.sha256(expected).hexdigest() == outcome.path.name
        assert outcome.size_bytes == len(expected)

    def assert_nothing_came(self) -> None:
        """No file is there, nor a broken one, nor is there room reserved for one."""
        assert objects(self.settings.mirror) == {}
        assert self.mirror.catalogue.segments.totals().objects == 0

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.move(seconds)
        self.while_pausing()


class Holding:
    """Holds the first request for a file, or another, back until it is told to go on."""

    def __init__(
        self, jsoc: SampleJsoc, fault: FaultKind = FaultKind.SLOW, when: str = "file"
    ) -> None:
        self.first, self.go_on = threading.Event(), threading.Event()
        jsoc.fault(Fault(fault, seconds=600), when=when)
        jsoc.wait = self._wait  # type: ignore[method-assign]

    def _wait(self, seconds: float | None) -> None:
        if seconds != 0:
            self.first.set()
            assert self.go_on.wait(120)


def _told(request: Request) -> str:
    if request.cgi != "file":
        return request.op
    return f"{request.status}" + (f" {request.range}" if request.range else "")


def objects(root: Path) -> dict[str, Path]:
    """The objects that can be seen, by name."""
    return {path.name: path for path in (root / "objects").glob("[0-9a-f][0-9a-f]/*")}


def parts(root: Path) -> list[Path]:
    """What is being downloaded, or was."""
    return sorted((root / "objects" / "incoming").glob("*.part"))


def assert_sound(mirror: Mirror, *, at_rest: bool = True) -> None:
    """What the index says is there, and is what its name says; what there is adds up.

    Parameters
    ----------
    mirror : Mirror
    at_rest : bool
        Whether nothing is under way, and nothing was left by somebody who was killed.
    """
    index, seen = mirror.catalogue.segments, objects(mirror.root)
    indexed = index.objects(most=10_000)
    for one in indexed:
        content = seen[one.sha256].read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.sha256
        assert len(content) == one.size_bytes
        assert index.files_of(one.sha256)
    totals = index.totals()
    assert totals.objects == len(indexed)
    assert totals.size_bytes == sum(one.size_bytes for one in indexed)
    for name, path in seen.items():  # also what nothing names any more is whole
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
    if at_rest:
        assert set(seen) == {one.sha256 for one in indexed}
        assert index.leaving() == ()
        assert list((mirror.root / "objects").glob("incoming/*")) == []
        assert mirror.catalogue.downloads.reserved() == 0
        assert [one for one in mirror.catalogue.leases.all() if not has_ended(one.holder)] == []


def settings_of(root: Path, jsoc: SampleJsoc, **sections: dict[str, Any]) -> Settings:
    """Settings under which nothing waits, and the test's disk is no matter."""
    segments = {"min_free_gib": 0.0} | sections.pop("segments", {})
    return settings_for(root, jsoc, segments=segments, **sections)


@contextmanager
def cache(folder: Path, empty: Path, rows: int = 12, **sections: dict[str, Any]) -> Iterator[Cache]:
    """Serve a series of which no file is on tape, with a mirror beside it.

    Parameters
    ----------
    folder : Path
    empty : Path
        A catalogue in which there is nothing, to be copied.
    rows : int
    sections : dict
        Settings.
    """
    root, clock = folder / "mirror", Clock()
    (root / "records").mkdir(parents=True)
    shutil.copy(empty, root / "catalogue.sqlite")
    served = series(SERIES, rows)
    served = replace(served, definition=replace(served.definition, archive=1))
    with SampleJsoc([served], offline_every=0) as jsoc:
        settings = settings_of(root, jsoc, **sections)
        with Catalogue.open(root / "catalogue.sqlite", clock=clock) as catalogue:
            mirror = Mirror(settings, catalogue)
            yield Cache(jsoc, mirror, clock)
            assert jsoc.failures == []
