"""Segment files: those that are there, and those that have to be fetched.

Of all who want the same file at the same time, in whatever process, one fetches it. What is wanted
from one batch is fetched in whatever order others leave it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath

from drmsmirror.catalogue import FailedFile, HeldFile
from drmsmirror.errors import (
    DrmsMirrorError,
    FitsError,
    LockedError,
    NoSpaceError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOverloadedError,
    UpstreamPausedError,
    UpstreamRefusedError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.adopting import Exports
from drmsmirror.segments.arrivals import Arrivals
from drmsmirror.segments.ordering import Ordered, Orderer, Ordering, path_in
from drmsmirror.segments.outcome import FileState, Outcome
from drmsmirror.segments.places import Place, Where, asked_together, find_places
from drmsmirror.segments.room import Room
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Deadline, OrderStage

__all__ = ["Files"]

#: How often it is looked whether others have fetched a file, seconds.
_LOOK_EVERY = 0.05
#: Files that cannot be had whoever tries: there is no use in trying the next one.
_FOR_ALL = (UpstreamOverloadedError, UpstreamPausedError, NoSpaceError)
#: What can be wrong with one file, and says nothing about the next one.
_FOR_ONE = (UpstreamError, FitsError)
#: So many files one after the other for which there is no room, and no other is tried.
_FULL = 3
#: A file that moved is tried again so often.
_TRIES = 3

#: What does not change soon is not asked for again soon.
_FINAL = {FileState.NO_FILE: timedelta(days=30), FileState.LOST: timedelta(days=1)}
#: What can pass by itself, such as a connection that broke off, is asked for again soon.
_PASSING = timedelta(minutes=1)
_UNKNOWN_PROCESS = (
    "it is being downloaded by a process that the catalogue does not know of. Try again later"
)

#: Records of an upstream that gives no numbers have negative ones of the mirror's own.
_NO_NUMBER = (
    "the upstream tells no record numbers, by which alone the mirror could ask where its files are"
)

_STATES = {
    Where.LOST: FileState.LOST,
    Where.NOWHERE: FileState.NO_FILE,
    Where.UNCLEAR: FileState.FAILED,
}
_WENT_TO_TAPE = "it went to tape while it was to be fetched. Try again: it is ordered then"
_NOT_BROUGHT = "the upstream brought it from tape, and does not say where it is. Try again later"
_MESSAGES = {
    FileState.FAILED: "what the upstream says where it is is no path. Try again later",
    FileState.LOST: "the upstream has it neither on disk nor on tape",
    FileState.NO_FILE: "the record has no such file",
    FileState.NOT_HELD: "the mirror does not hold it, and the upstream was not to be asked",
}


class Files:
    """The segment files of a mirror.

    Once an order of files on tape was waited for in vain none is waited for any more: whoever wants
    to wait again takes another one of these.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    pause : callable
        Lets seconds go by while others fetch, or an order is under way.
    orderer : Orderer
        Who has files brought from tape.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: SharedUpstream,
        pause: Callable[[float], object] = time.sleep,
        orderer: Orderer = Orderer(),  # noqa: B008 - it cannot be changed
    ) -> None:
        self._catalogue = mirror.catalogue
        self._index = mirror.catalogue.segments
        self._store = mirror.objects
        self._settings = mirror.settings.segments
        self._upstream = upstream
        self._room = Room(mirror, pause)
        self._arrivals = Arrivals(mirror, upstream, self._room)
        self._exports = Exports(mirror)
        self._ordering = Ordering(mirror, upstream, pause, orderer)
        self._patience, self._deadline = self._settings.order_wait, orderer.deadline
        self._pause = pause
        self._spared = timedelta(minutes=self._settings.failed_minutes)

    def held(self, files: Iterable[SegmentFile]) -> dict[SegmentFile, Outcome]:
        """Give those of some files that are there."""
        wanted = list(dict.fromkeys(files))
        found = self._index.use(wanted)
        return {
            file: outcome
            for file in wanted
            if (held := found.get(file)) is not None
            and (outcome := self._there(file, held)) is not None
        }

    def get(
        self,
        files: Iterable[SegmentFile],
        *,
        may_ask: bool = True,
        again: bool = False,
        exports: bool = False,
    ) -> Iterator[Outcome]:
        """Give files, those first that are there; the others as they come.

        Parameters
        ----------
        files : iterable of SegmentFile
            Of one generation a series, the one that is.
        may_ask : bool
            Whether the upstream may be asked for those that are not there.
        again : bool
            Whether those that could not be had lately are tried again.
        exports : bool
            Whether exported files that were adopted are given where the file as it is stored is
            not there; their outcome says so.

        Yields
        ------
        Outcome
            One for each file; a file that cannot be had is no error of the others.

        Raises
        ------
        StoreError
            The catalogue fails, or the store cannot be written.
        """
        began = self._now()
        wanted = list(dict.fromkeys(files))
        held = self.held(wanted)
        if exports:
            held |= self._exports.held(file for file in wanted if file not in held)
        yield from held.values()
        missing = [file for file in wanted if file not in held]
        if not may_ask:
            for file in missing:
                yield _without(file, FileState.NOT_HELD)
            return
        if not again:
            failed = {
                file: failure
                for file, failure in self._index.failures(missing).items()
                if self._still_counts(failure, began)
            }
            for file, failure in failed.items():
                yield _remembered(file, failure)
            missing = [file for file in missing if file not in failed]
        for file in missing:
            if file.recnum < 0:
                yield _without(file, FileState.NOT_HELD, _NO_NUMBER)
        yield from self._fetch([file for file in missing if file.recnum >= 0], began)

    def _places(self, files: Sequence[SegmentFile]) -> Iterator[dict[SegmentFile, Place]]:
        return find_places(self._upstream, files, self._linked_segments)

    def _linked_segments(self, series: str) -> frozenset[str]:
        try:
            segments = self._catalogue.definition(series).segments
        except UnknownSeriesError:
            return frozenset()
        return frozenset(one.name for one in segments if one.is_linked)

    # -- fetching ---------------------------------------------------------------------------------

    def _fetch(self, files: Sequence[SegmentFile], began: datetime) -> Iterator[Outcome]:
        """Fetch files, those first that are online: the others can take long."""
        left = set(files)
        on_tape: list[SegmentFile] = []
        try:
            for some in asked_together(files):
                try:
                    (places,) = self._places(some)
                except UpstreamAnswerError as error:  # it says nothing of the next records
                    for file in some:
                        left.discard(file)
                        yield self._failed(file, error)
                    continue
                on_tape += [file for file, one in places.items() if one.where is Where.ON_TAPE]
                for outcome in self._fetch_from(places, began):
                    left.discard(outcome.file)
                    yield outcome
            for outcome in self._from_tape(on_tape, began):
                left.discard(outcome.file)
                yield outcome
        except _FOR_ONE + _FOR_ALL as error:
            for file in sorted(left):
                yield self._failed(file, error)

    def _fetch_from(self, places: dict[SegmentFile, Place], began: datetime) -> Iterator[Outcome]:
        online = {}
        for file, place in places.items():
            if place.where is Where.ONLINE:
                online[file] = place.path
            elif place.where is not Where.ON_TAPE:
                yield self._remember(_without(file, _STATES[place.where]))
        yield from self._download_all(online, began)

    def _download_all(self, paths: dict[SegmentFile, str], began: datetime) -> Iterator[Outcome]:
        """Download files, those first that nobody else is downloading."""
        left = deque(paths.items())
        others = without_room = 0
        while left:
            file, path = left.popleft()
            try:
                outcome = self._upstream.attempt(
                    f"file {file.digest}",
                    partial(self._bring, file, path),
                    outcome=partial(self._came, file, began),
                )
            except NoSpaceError as error:  # a smaller one may have some
                without_room += 1
                if without_room == _FULL:
                    raise
                yield self._failed(file, error)
                continue
            if outcome is not None:
                others = without_room = 0
                yield outcome
                continue
            left.append((file, path))
            others += 1
            if others >= len(left):
                self._pause(_LOOK_EVERY)

    def _came(self, file: SegmentFile, began: datetime) -> Outcome | None:
        """What came of a file since somebody wanted it, whoever fetched it."""
        if (held := self.held([file]).get(file)) is not None:
            return replace(held, state=FileState.FETCHED)
        failure = self._index.failures([file]).get(file)
        if failure is not None and began < failure.failed_utc <= self._now():
            return _remembered(file, failure)
        return None

    def _bring(self, file: SegmentFile, path: str) -> Outcome:
        """Download one file, and say that it is there."""
        try:
            return self._downloaded(file, path)
        except _FOR_ALL:
            raise
        except LockedError as error:
            return self._failed(file, error)
        except _FOR_ONE as error:
            spared = min(self._spared, _PASSING) if error.retryable else self._spared
            return self._remember(self._failed(file, error), spared)

    def _downloaded(self, file: SegmentFile, path: str) -> Outcome:
        for attempt in range(1, _TRIES + 1):
            try:
                return self._room.storing(partial(self._download, file, path))
            except UpstreamRefusedError:
                (places,) = self._places([file])
                now = places[file]
                if now.where in _STATES:
                    return self._remember(_without(file, _STATES[now.where]))
                if now.where is Where.ON_TAPE:
                    return _without(file, FileState.FAILED, _WENT_TO_TAPE)
                if now.path == path or attempt == _TRIES:
                    raise
                path = now.path
        raise AssertionError("the last attempt returns or raises")

    def _download(self, file: SegmentFile, path: str) -> Outcome:
        file_name = PurePosixPath(path).name
        with self._arrivals.arriving(file.digest, path) as stored:
            if stored is None:
                return _without(file, FileState.FAILED, _UNKNOWN_PROCESS)
            self._index.keep(file, stored.sha256, stored.size_bytes, file_name)
        there = self._there(
            file, HeldFile(stored.sha256, stored.size_bytes, file_name, self._now())
        )
        if there is None:  # what had the same bytes went between the two
            raise LockedError(f"{file} was removed by another process as soon as it had come")
        return replace(there, state=FileState.FETCHED)

    # -- from tape --------------------------------------------------------------------------------

    def _from_tape(self, files: Sequence[SegmentFile], began: datetime) -> Iterator[Outcome]:
        """Have files brought, as many as one order takes at a time."""
        for some in asked_together(files):
            deadline = Deadline.within(self._patience).earlier(self._deadline)
            ordered = self._ordering.bring(some, deadline)
            if ordered.stage is OrderStage.PENDING:
                self._patience = 0.0
            yield from self._brought(some, ordered, began)

    def _brought(
        self, files: Sequence[SegmentFile], ordered: Ordered, began: datetime
    ) -> Iterator[Outcome]:
        if ordered.stage is not OrderStage.READY:
            is_pending = ordered.stage is OrderStage.PENDING
            state = FileState.ORDERED if is_pending else FileState.ON_TAPE
            for file in files:
                yield _without(file, state, ordered.message)
            return
        paths: dict[SegmentFile, str] = {}
        for places in self._places(files):  # the unit may be back on disk
            for file, place in places.items():
                path = place.path or path_in(ordered, file)
                if path:
                    paths[file] = path
                elif place.where in _STATES:
                    yield self._remember(_without(file, _STATES[place.where]))
                else:
                    yield self._remember(_without(file, FileState.FAILED, _NOT_BROUGHT))
        yield from self._download_all(paths, began)

    # -- outcomes ---------------------------------------------------------------------------------

    def _there(self, file: SegmentFile, held: HeldFile) -> Outcome | None:
        """A file that is there; None where it was removed or cut behind the catalogue's back."""
        size = self._store.size(held.sha256)
        if size != held.size_bytes:
            if not self._catalogue.database.read_only:
                if size is None:
                    self._room.give_up(held.sha256)
                else:
                    self._index.say_damaged(held.sha256)
            return None
        return Outcome(
            file,
            FileState.HELD,
            self._store.local_path(held.sha256),
            held.sha256,
            held.size_bytes,
            held.file_name,
            url=self._store.url(held.sha256),
        )

    def _failed(self, file: SegmentFile, error: DrmsMirrorError) -> Outcome:
        return replace(_without(file, FileState.FAILED, str(error)), error=error.code)

    def _still_counts(self, failure: FailedFile, now: datetime) -> bool:
        """Whether a file is not to be tried yet; what failed in the future did so by no clock."""
        return failure.failed_utc <= now + self._spared and now < failure.until_utc

    def _remember(self, outcome: Outcome, spared: timedelta | None = None) -> Outcome:
        """Have nobody try the same again for a while."""
        now = self._now()
        until = now + (spared or _FINAL.get(outcome.state, self._spared))
        failed = FailedFile(outcome.state.value, outcome.message, now, until)
        self._index.fail(outcome.file, failed)
        return outcome

    def _now(self) -> datetime:
        return self._catalogue.database.clock()


def _without(file: SegmentFile, state: FileState, message: str = "") -> Outcome:
    return Outcome(file, state, message=message or _MESSAGES[state])


def _remembered(file: SegmentFile, failure: FailedFile) -> Outcome:
    message = failure.message
    if FileState(failure.state) is FileState.FAILED:
        message += f" (so it was at {failure.failed_utc:%H:%M} UTC; it is tried again after "
        message += f"{failure.until_utc:%H:%M} UTC, or with --again)"
    return Outcome(file, FileState(failure.state), message=message)
