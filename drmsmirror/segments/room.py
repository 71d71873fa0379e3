"""Room for files: what may be taken, and which of those that nobody uses go for others.

A file that goes counts no more first, then its bytes are removed, then its row. One process at a
time removes, whichever began: what one that was killed left half done is finished by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, TypeVar

from drmsmirror.catalogue import HeldObject, ObjectTotals
from drmsmirror.errors import LockedError, NoSpaceError
from drmsmirror.mirror import Mirror
from drmsmirror.objects import Stored

__all__ = ["Freed", "Room"]

_GIB = 2**30
#: Files are let go some at a time, so that others need not wait for long.
_AT_ONCE = 100
#: With them may go such a part of all that is there, so that room need not be made for each anew.
_MORE = 0.01
_LEASE = "objects going"
#: How long another process that removes files is waited for, seconds.
_PATIENCE = 60.0
_LOOK_EVERY = 0.1
#: It is asked after so many looks whether what it removes is enough.
_LOOKS_APART = 10
#: So often files are let go that make no room on the disk, as where they share blocks with others.
_IN_VAIN = 2
#: Bytes that were being removed are stored again so often.
_TRIES = 3

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Freed:
    """What went, or would go.

    Parameters
    ----------
    objects : int
    size_bytes : int
    """

    objects: int = 0
    size_bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(self.objects + other.objects, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A download for which room is wanted."""

    name: str
    size_bytes: int
    validator: str


class Room:
    """The room that files have.

    Parameters
    ----------
    mirror : Mirror
    pause : callable
        Lets seconds go by while another process makes room.
    """

    def __init__(self, mirror: Mirror, pause: Callable[[float], object] = time.sleep) -> None:
        settings = mirror.settings.segments
        self._catalogue = mirror.catalogue
        self._store = mirror.objects
        self._root = mirror.root
        self._most_bytes = round(settings.max_gib * _GIB) or None
        self._least_free = round(settings.min_free_gib * _GIB)
        self._kept = timedelta(hours=settings.keep_hours + 1)  # use is noted once an hour
        self._pause = pause

    @property
    def most_bytes(self) -> int | None:
        """What all files may take together; None where that is limited by the disk only."""
        return self._most_bytes

    @property
    def used_before(self) -> datetime:
        """Before this a file must have been used last to go for others."""
        return self._catalogue.database.clock() - self._kept

    def excess(self) -> int:
        """Bytes beyond what all files may take."""
        if self._most_bytes is None:
            return 0
        return max(0, self._catalogue.segments.totals().size_bytes - self._most_bytes)

    def may_go(self) -> ObjectTotals:
        """What nobody used lately, and is not pinned."""
        return self._catalogue.object_care.shares(self.used_before).may_go

    def reserve(self, name: str, size_bytes: int, validator: str = "") -> None:
        """Reserve room for a download, and make it where there is none.

        The disk has to have room for what has a part. What has none shares its bytes with a file
        that is there already: nothing of it is written.

        Raises
        ------
        NoSpaceError
            Nothing that could go would make it.
        """
        download = _Wanted(name, size_bytes, validator)
        if self._lacking(download):
            self._while_alone(
                lambda: self._make_for(download), unless=lambda: not self._lacking(download)
            )
            if self._lacking(download):
                error = self._no_space(download)
                self._catalogue.downloads.end([name])
                raise error

    def give_up(self, sha256: str, *, is_wanted: bool = False) -> None:
        """Have an object count no more whose bytes are not there; its files may stay wanted."""

        def let_go() -> Freed:
            self._remove(self._catalogue.segments.let_go([sha256], are_wanted=is_wanted))
            return Freed()

        self._while_alone(let_go)

    def shrink(
        self, *, most_bytes: int | None, unused_for: timedelta | None, dry_run: bool = False
    ) -> Freed:
        """Let files go until no more than some are left, and those that were not used for long.

        Parameters
        ----------
        most_bytes : int or None
            That all together may take.
        unused_for : timedelta or None
            Those go that were not used for longer.
        dry_run : bool
            Only say what would go.

        Raises
        ------
        LockedError
            Another process removes files for too long.
        """
        totals = self._catalogue.segments.totals()
        excess = 0 if most_bytes is None else totals.size_bytes - most_bytes
        if dry_run:
            return self._would_go(excess, unused_for)
        freed = Freed()
        if unused_for is not None:
            before = self._catalogue.database.clock() - max(unused_for, self._kept)
            freed += self._while_alone(lambda: self._go(lambda _: True, before)) or _refuse()
        left = excess - freed.size_bytes
        if left > 0:
            freed += self._while_alone(lambda: self._make(left)) or _refuse()
        return freed

    def finish_going(self) -> None:
        """Remove the bytes of those that count no more already."""
        self._while_alone(Freed)

    def storing(self, deed: Callable[[], _Result]) -> _Result:
        """Do what stores bytes; once more where the same bytes are just being removed.

        Raises
        ------
        LockedError
            They are, again and again.
        """
        for _ in range(_TRIES - 1):
            with suppress(LockedError):
                return deed()
            self.finish_going()
        return deed()

    def remove_unknown(self, objects: Iterable[Stored]) -> Freed:
        """Remove objects that no row speaks of, unless one does by now."""
        index = self._catalogue.segments

        def work() -> Freed:
            going = [one for one in objects if index.claim(one.sha256, one.size_bytes)]
            self._remove(tuple(one.sha256 for one in going))
            return Freed(len(going), sum(one.size_bytes for one in going))

        return self._while_alone(work) or Freed()

    # -- going ------------------------------------------------------------------------------------

    def _while_alone(
        self, work: Callable[[], Freed], unless: Callable[[], bool] = lambda: False
    ) -> Freed | None:
        """Do something as the only process that removes files, unless another has done it.

        None where another does for too long.
        """
        for look in range(1, 1 + round(_PATIENCE / _LOOK_EVERY)):
            with self._catalogue.leases.holding_if_free(_LEASE) as lease:
                if lease is not None:
                    self._catalogue.segments.settle()
                    self._remove(self._catalogue.segments.leaving())
                    return work()
            self._pause(_LOOK_EVERY)
            if look % _LOOKS_APART == 0 and unless():
                return Freed()
        return None

    def _make_for(self, download: _Wanted) -> Freed:
        """Make room for a download; none goes where all that may go would not make it.

        Where the disk lacks room none goes either that has another name there, such as one that
        was adopted by a hard link: that would make none.
        """
        freed, in_vain = Freed(), 0
        lacking = self._lacking(download)
        while lacking and in_vain < _IN_VAIN:  # others may have made some meanwhile
            if self._lacks_room_to_grow(download):
                break
            before = self._catalogue.database.clock() - self._kept
            going = self._enough(lacking, before, on_disk=not self._beyond(download))
            if not going:
                break
            for begin in range(0, len(going), _AT_ONCE):
                freed += self._let_go(going[begin : begin + _AT_ONCE], before)
                was, lacking = lacking, self._lacking(download)
                in_vain = in_vain + 1 if lacking >= was else 0
                if in_vain == _IN_VAIN or not lacking:
                    break
        return freed

    def _enough(self, size_bytes: int, before: datetime, *, on_disk: bool) -> list[HeldObject]:
        """Choose those that go for so much room, and what little more goes with them."""
        more = round(self._catalogue.segments.totals().size_bytes * _MORE)
        going: list[HeldObject] = []
        size = 0
        for one in self._least_used(before):
            if on_disk and self._store.is_shared(one.sha256):
                continue
            if size >= size_bytes and size + one.size_bytes > size_bytes + more:
                break
            going.append(one)
            size += one.size_bytes
        return going if size >= size_bytes else []

    def _least_used(self, before: datetime) -> Iterator[HeldObject]:
        last: HeldObject | None = None
        while some := self._catalogue.segments.least_used(before, most=_AT_ONCE, after=last):
            yield from some
            last = some[-1]

    def _let_go(self, some: Sequence[HeldObject], before: datetime) -> Freed:
        sizes = {one.sha256: one.size_bytes for one in some}
        gone = self._catalogue.segments.let_go(sizes, before)
        self._remove(gone)
        return Freed(len(gone), sum(sizes[name] for name in gone))

    def _make(self, size_bytes: int) -> Freed:
        return self._go(lambda freed: freed < size_bytes, self.used_before)

    def _go(self, goes_on: Callable[[int], bool], before: datetime) -> Freed:
        """Let files go, those that were not used for longest first."""
        freed = Freed()
        while goes_on(freed.size_bytes):
            going = []
            size = freed.size_bytes
            for one in self._catalogue.segments.least_used(before, most=_AT_ONCE):
                if goes_on(size):
                    going.append(one)
                    size += one.size_bytes
            gone = self._let_go(going, before)
            if not gone.objects:
                break
            freed += gone
        return freed

    def _remove(self, objects: tuple[str, ...]) -> None:
        for name in objects:
            self._store.remove(name)
        if objects:
            self._catalogue.segments.forget(objects)

    def _would_go(self, excess: int, unused_for: timedelta | None) -> Freed:
        now, freed = self._catalogue.database.clock(), Freed()
        for one in self._least_used(now - self._kept):
            is_old = unused_for is not None and one.used_utc < now - unused_for
            if is_old or freed.size_bytes < excess:
                freed += Freed(1, one.size_bytes)
        return freed

    # -- how much there is ------------------------------------------------------------------------

    def _lacking(self, download: _Wanted) -> int:
        """Bytes that are lacking for a download; 0 where its room is reserved now."""
        return max(self._beyond(download), self._lacking_on_disk(download))

    def _beyond(self, download: _Wanted) -> int:
        """Bytes that a download would take beyond what all may; 0 where they are reserved now."""
        return self._catalogue.downloads.begin(
            download.name, download.size_bytes, download.validator, most_bytes=self._most_bytes
        )

    def _lacking_on_disk(self, download: _Wanted) -> int:
        """Bytes that would be lacking on the disk once all has come that is to."""
        if self._store.part_size(download.name) is None:
            return 0
        coming = self._catalogue.downloads.sizes() | {download.name: download.size_bytes}
        left = sum(self._left_to_write(name, size) for name, size in coming.items())
        return max(0, self._least_free + left - self._store.free_bytes())

    def _left_to_write(self, name: str, size_bytes: int) -> int:
        """What of a download is not on the disk yet; what has no part is."""
        written = self._store.part_size(name)
        return 0 if written is None else max(0, size_bytes - written)

    def _lacks_room_to_grow(self, download: _Wanted) -> bool:
        """Whether the disk lacks room, and objects are elsewhere: none that goes would make it."""
        return not self._store.is_on_disk and self._lacking_on_disk(download) > 0

    def _no_space(self, download: _Wanted) -> NoSpaceError:
        lacking = f"No room for {download.size_bytes:,} bytes"
        if self._lacks_room_to_grow(download):
            return NoSpaceError(
                f"{lacking}: before they go to S3 files grow in "
                f"{self._root}, where {self._store.free_bytes() / _GIB:.1f} GiB are free, and "
                f"{self._least_free / _GIB:g} GiB are to stay free ([segments] min_free_gib). "
                f"Free some of that disk, or allow more"
            )
        most = self._most_bytes
        limit = f"[segments] max_gib is {most / _GIB:g}, and " if most is not None else ""
        return NoSpaceError(
            f"{lacking}: {limit}{self._least_free / _GIB:g} GiB of the disk are to stay free "
            f"([segments] min_free_gib). What is left is pinned, or was used in the last "
            f"{self._kept.total_seconds() / 3600 - 1:g} hours. Unpin some, wait, or allow more"
        )


def _refuse() -> NoReturn:
    raise LockedError(
        "Another process removes files just now, and has not ended for a while. Try again later"
    )
