"""A question to the upstream, and what it is known by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

__all__ = ["Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """Which records to list, and what of them.

    Parameters
    ----------
    record_set : str
        In canonical text: what is written in another way counts as another question.
    keys, segments, links : tuple of str
        Names as the definition spells them, in the order in which they are wanted.
    n : int or None
        The first ``n`` records of each set, or the last ``-n``; None and 0 mean all.
    """

    record_set: str
    keys: tuple[str, ...]
    segments: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    n: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the question, in hexadecimal: two that mean the same have the same."""
        text = json.dumps(asdict(self) | {"n": self.n or 0}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
