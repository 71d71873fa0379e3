"""A file on its way from the upstream into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import PurePosixPath

from drmsmirror.catalogue import Download
from drmsmirror.errors import (
    FitsError,
    NoSpaceError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOverloadedError,
)
from drmsmirror.objects import Part
from drmsmirror.segments.structure import check_structure
from drmsmirror.upstream import is_overload_notice

__all__ = ["Intake", "check_content"]

#: What is reserved ahead where the server does not say how long a file is, bytes.
_AHEAD = 64 * 2**20

_FITS = (".fits", ".fit", ".fts", ".fitz")
_WEB_PAGE = (b"<!doctype html", b"<html")

#: Reserves room for a download: its length and what its version is known by.
Reserve = Callable[[int, str], None]


class Intake:
    """Takes a file into a part, with room reserved for it.

    Parameters
    ----------
    part : Part
        With what came before, where that was broken off.
    before : Download or None
        What was said of that.
    reserve : callable
    """

    def __init__(self, part: Part, before: Download | None, reserve: Reserve) -> None:
        self._part = part
        self._reserve = reserve
        self._validator = before.validator if before else ""
        self._reserved = 0
        self._total: int | None = None
        #: Whether all of it came before, and who took it died then.
        self._is_whole = before is not None and 0 < before.size_bytes == part.size_bytes

    @property
    def size_bytes(self) -> int:
        """How much of it is there."""
        return self._part.size_bytes

    @property
    def validator(self) -> str:
        """By which the server knows the version that is there."""
        return self._validator

    def restart(self) -> None:
        """Throw away what is there."""
        self._part.restart()

    def begin(self, start: int, total: int | None, validator: str) -> None:
        """Learn what comes, and reserve room for it."""
        if not start and self._part.size_bytes:
            self._part.restart()
        self._total, self._validator = total, validator
        self._have_room(total if total is not None else start + _AHEAD)

    def append(self, content: bytes) -> None:
        """Take what came next."""
        size = self._part.size_bytes + len(content)
        if size > self._reserved:  # nobody said how long it is
            self._have_room(size + _AHEAD)
        self._part.append(content)

    def take(self, name: str, download: Callable[[], object]) -> None:
        """Have a file come, and refuse what is no whole one: nothing is kept of that.

        One whose data have another sum than its header says comes twice: what is the same then is
        what the upstream has, and no mistake of the way.

        Parameters
        ----------
        name : str
        download : callable
            Has it come into this, or what is missing of it.

        Raises
        ------
        UpstreamError
            It did not come; what did is kept.
        UpstreamAnswerError, FitsError
            It is no whole file.
        """
        if not self._is_whole:
            download()
        try:
            self._check(name)
            if _is_fits(self._part, name) and not _has_right_sums(self._part):
                before = _digest(self._part)
                self._part.restart()
                download()
                self._check(name)
                if not _has_right_sums(self._part) and _digest(self._part) != before:
                    raise FitsError(
                        f"{name} came twice, and its data had two wrong sums: it is damaged on its "
                        f"way. Try again later."
                    )
        except (UpstreamError, FitsError):
            self._part.restart()
            raise

    def _check(self, name: str) -> None:
        if self._total not in (None, self._part.size_bytes):
            raise UpstreamAnswerError(
                f"{name} came with {self._part.size_bytes:,} of its {self._total:,} bytes. Try "
                f"again later."
            )
        check_content(self._part, name)

    def _have_room(self, size: int) -> None:
        try:
            self._reserve(size, self._validator)
        except NoSpaceError:
            self._part.restart()  # without what is said of it, it is of no use
            raise
        self._reserved = size


def check_content(part: Part, name: str) -> None:
    """Refuse what came in place of a file: nothing, a web page, FITS that is cut.

    Raises
    ------
    UpstreamOverloadedError
        What came is the notice that we ask too much.
    UpstreamAnswerError, FitsError
    """
    start = _start(part).lstrip().lower()
    if start.startswith(b"{") and is_overload_notice(start.decode("ascii", "replace")):
        raise UpstreamOverloadedError(
            "The upstream sends a notice in place of files: it wants no more requests from this "
            "address. Wait some hours, then make [upstream] requests_per_second smaller."
        )
    if not start:
        raise UpstreamAnswerError(f"{name} came empty. Try again later.")
    if start.startswith(_WEB_PAGE):
        raise UpstreamAnswerError(f"A web page came in place of {name}. Try again later.")
    if _is_fits(part, name):
        check_structure(part.path, name)


def _is_fits(part: Part, name: str) -> bool:
    return _start(part).startswith(b"SIMPLE  =") or PurePosixPath(name).suffix.lower() in _FITS


def _start(part: Part) -> bytes:
    with part.path.open("rb") as file:
        return file.read(512)


def _has_right_sums(part: Part) -> bool:
    from drmsmirror.segments.checksums import has_right_sums  # which loads NumPy

    return has_right_sums(part.path)


def _digest(part: Part) -> str:
    with part.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
