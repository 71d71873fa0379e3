"""The breaker between a mirror's processes and their upstream; its state is in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from drmsmirror.catalogue import Health
from drmsmirror.errors import DrmsMirrorError
from drmsmirror.mirror import Mirror
from drmsmirror.sharing.breaker import (
    Limits,
    State,
    after_failure,
    after_success,
    refusal,
    state,
)
from drmsmirror.sharing.turns import TROUBLE, Trouble, Turn, turn

__all__ = ["Guard"]

T = TypeVar("T")


class Guard:
    """Lets operations through to the upstream, and remembers for all processes how they went.

    Parameters
    ----------
    mirror : Mirror
    trouble : Trouble
        Where it is said that the catalogue fails.
    """

    def __init__(self, mirror: Mirror, trouble: Trouble) -> None:
        settings = mirror.settings.upstream
        self._catalogue = mirror.catalogue
        self._url = settings.url
        self._limits = Limits(settings.breaker_failures, settings.breaker_pause)
        self._trouble = trouble

    def __call__(self, operation: Callable[[], T]) -> T:
        """Run an operation of the upstream.

        Raises
        ------
        UpstreamPausedError
            It is left alone for now.
        DrmsMirrorError
            What the operation raised.
        """
        with self._admitted():
            began = self._now()
            try:
                outcome = operation()
            except DrmsMirrorError as error:
                now = self._now()
                self._change(
                    partial(after_failure, error=error, began=began, now=now, limits=self._limits)
                )
                raise
            self._change(partial(after_success, began=began))
        return outcome

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        """Go on while a block runs, as the only one where somebody has to try."""
        health = self._health()
        now = state(health, self._now())
        if now is State.CLOSED:
            yield
            return
        if now is State.OPEN:
            raise refusal(health)
        with turn(self._catalogue, f"upstream {self._url}", self._trouble) as whose:
            if whose is Turn.OTHERS:
                raise refusal(health, is_tried=True)
            health = self._health()  # another may just have tried
            if state(health, self._now()) is State.OPEN:
                raise refusal(health)
            yield

    def _health(self) -> Health:
        try:
            return self._catalogue.upstreams.health(self._url)
        except TROUBLE as error:
            self._trouble.tell(error)
            return Health()

    def _change(self, change: Callable[[Health], Health]) -> None:
        """Write down how the upstream is, where that is another than it was."""
        health = self._health()
        if change(health) == health:
            return
        try:
            self._catalogue.upstreams.change_health(self._url, change)
        except TROUBLE as error:
            self._trouble.tell(error, is_expected=self._catalogue.database.read_only)

    def _now(self) -> datetime:
        return self._catalogue.database.clock()
