"""Turns among all processes of a mirror, where its catalogue can be written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum

from drmsmirror.catalogue import Catalogue
from drmsmirror.errors import DrmsMirrorError, LockedError, StoreError

__all__ = ["TROUBLE", "Trouble", "Turn", "turn"]

_log = logging.getLogger(__name__)

#: What a catalogue, or a disk, raises that cannot be read or written.
TROUBLE = (StoreError, LockedError)

#: A holder that is suspended for longer, or dies on another host, loses its turn, seconds.
_TURN_SECONDS = 60.0


class Turn(Enum):
    """Whose turn it is."""

    OURS = "ours"
    OTHERS = "others"
    UNKNOWN = "unknown"
    """The catalogue cannot be written: everybody goes on without the others."""


class Trouble:
    """Says once that nothing can be shared."""

    def __init__(self) -> None:
        self._is_told = False

    def tell(self, error: DrmsMirrorError, *, is_expected: bool = False) -> None:
        """Say it, unless it was said before."""
        level = logging.INFO if self._is_told or is_expected else logging.WARNING
        self._is_told = self._is_told or not is_expected
        _log.log(level, "Other processes cannot share what the upstream answers: %s", error)


@contextmanager
def turn(catalogue: Catalogue, name: str, trouble: Trouble) -> Iterator[Turn]:
    """Take a turn while a block runs, and say whose it is."""
    held = ExitStack()
    try:
        lease = held.enter_context(
            catalogue.leases.holding_if_free(name, ttl_seconds=_TURN_SECONDS)
        )
    except TROUBLE as error:
        trouble.tell(error, is_expected=catalogue.database.read_only)
        whose = Turn.UNKNOWN
    else:
        whose = Turn.OTHERS if lease is None else Turn.OURS
    try:
        yield whose
    finally:
        try:
            held.close()
        except TROUBLE as error:
            trouble.tell(error)
