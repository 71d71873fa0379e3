"""Of all who do the same at the same time, one does it, and the others take what came of it.

Whoever comes first takes the turn, does it, and gives the turn back; the others look every now and
then whether it is over. Where the one that did it died, the next one's turn begins at once on the
same host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drmsmirror.catalogue import Catalogue
from drmsmirror.sharing.turns import TROUBLE, Trouble, Turn, turn
from drmsmirror.upstream import Deadline

__all__ = ["Once"]

T = TypeVar("T")

#: How often who waits looks whether it is over, seconds.
_LOOK_EVERY = 0.05


class Once:
    """Does things once among all processes of a mirror.

    Parameters
    ----------
    catalogue : Catalogue
    trouble : Trouble
        Where it is said that nothing can be shared.
    pause : callable
        Lets seconds go by.
    """

    def __init__(
        self, catalogue: Catalogue, trouble: Trouble, pause: Callable[[float], object]
    ) -> None:
        self._catalogue = catalogue
        self._trouble = trouble
        self._pause = pause

    def do(
        self,
        name: str,
        work: Callable[[], T],
        *,
        outcome: Callable[[], T | None],
        deadline: Deadline,
        alone: Callable[[], T] | None = None,
    ) -> T:
        """Do something, unless another does.

        Parameters
        ----------
        name : str
            What it is known by.
        work : callable
            Does it.
        outcome : callable
            What came of it when another did it; None where nothing did.
        deadline : Deadline
            Until when it is waited for others.
        alone : callable, optional
            Does it for nobody else, where the catalogue cannot be written; by default the same.

        Raises
        ------
        UpstreamTimeoutError
            Others took too long.
        """
        while (done := self.attempt(name, work, outcome=outcome, alone=alone)) is None:
            self._wait(name, deadline)
        return done

    def attempt(
        self,
        name: str,
        work: Callable[[], T],
        *,
        outcome: Callable[[], T | None],
        alone: Callable[[], T] | None = None,
    ) -> T | None:
        """Do something, as :meth:`do`; None where another is at it."""
        if (found := outcome()) is not None:
            return found
        if self._is_held(name):  # whoever waits looks often, and is not to keep writers waiting
            return None
        with turn(self._catalogue, name, self._trouble) as whose:
            if whose is Turn.UNKNOWN:
                return (alone or work)()
            if whose is Turn.OURS:  # somebody may have finished just before
                found = outcome()
                return work() if found is None else found
        return None

    def _wait(self, name: str, deadline: Deadline) -> None:
        """Wait until nobody holds the turn."""
        while self._is_held(name):
            deadline.check()
            self._pause(min(_LOOK_EVERY, deadline.left))

    def _is_held(self, name: str) -> bool:
        try:
            return self._catalogue.leases.is_held(name)
        except TROUBLE as error:
            self._trouble.tell(error)
            return False
