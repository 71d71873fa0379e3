"""On what terms a question is answered: who may be asked, how long, how old what is held may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from drmsmirror.errors import QueryError

__all__ = ["PartialAnswerWarning", "Policy", "Terms"]


class PartialAnswerWarning(UserWarning):
    """A table lacks something of what was asked for; the message says what, and how to get it."""


class Policy(StrEnum):
    """Whether the upstream may be asked.

    ``auto``: for what is not held. ``offline``: never. ``remote``: always.
    """

    AUTO = "auto"
    OFFLINE = "offline"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Terms:
    """How one question may be answered.

    Parameters
    ----------
    policy : Policy
    max_age : timedelta, optional
        What was read from the upstream longer ago does not count as held. Without it, what is held
        counts at any age, and only records newer than all that is held are asked for once the
        reading is a day old.
    partial : bool
        Whether an answer that lacks something is better than none.
    wait : float, optional
        Seconds that the upstream gets for one question, retries included; None for as long as it
        takes.
    """

    policy: Policy = Policy.AUTO
    max_age: timedelta | None = None
    partial: bool = False
    wait: float | None = None

    def __post_init__(self) -> None:
        if not (self.max_age is None or isinstance(self.max_age, timedelta)):
            raise QueryError(f"max_age is {self.max_age!r}; it must be a datetime.timedelta")
        is_number = isinstance(self.wait, int | float) and not isinstance(self.wait, bool)
        if self.wait is not None and not (is_number and self.wait > 0):
            raise QueryError(f"wait is {self.wait!r}; it must be a number of seconds above 0")
