"""Why a condition is not answered: PostgreSQL would refuse it too, or only the mirror does."""

from __future__ import annotations

__all__ = ["RefusalError"]


class RefusalError(Exception):
    """A part of a condition cannot be used.

    Parameters
    ----------
    problem : str
    is_valid : bool
        Whether PostgreSQL would, or could, take it.
    """

    def __init__(self, problem: str, *, is_valid: bool = False) -> None:
        super().__init__(problem)
        self.is_valid = is_valid
