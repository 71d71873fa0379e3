"""A file on its way from the upstream into the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from drmsmirror.catalogue import Download
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.objects import Part
from drmsmirror.segments.fits import check_structure

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

    def check(self, name: str) -> None:
        """Refuse what is no whole file.

        Raises
        ------
        UpstreamAnswerError, FitsError
        """
        if self._total not in (None, self._part.size_bytes):
            raise UpstreamAnswerError(
                f"{name} came with {self._part.size_bytes:,} of its {self._total:,} bytes. Try "
                f"again later."
            )
        check_content(self._part, name)

    def _have_room(self, size: int) -> None:
        self._reserve(size, self._validator)
        self._reserved = size


def check_content(part: Part, name: str) -> None:
    """Refuse what came in place of a file: nothing, a web page, FITS that is cut.

    Raises
    ------
    UpstreamAnswerError, FitsError
    """
    with part.path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    if not start:
        raise UpstreamAnswerError(f"{name} came empty. Try again later.")
    if start.startswith(_WEB_PAGE):
        raise UpstreamAnswerError(f"A web page came in place of {name}. Try again later.")
    if start.startswith(b"simple  =") or PurePosixPath(name).suffix.lower() in _FITS:
        check_structure(part.path)
