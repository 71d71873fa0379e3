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
    all_digits : bool
        Whether values are wanted unrounded, rather than as they print.
    """

    record_set: str
    keys: tuple[str, ...]
    segments: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    n: int | None = None
    all_digits: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of the question, in hexadecimal: two that mean the same have the same."""
        content = asdict(self) | {"n": self.n or 0}
        if not self.all_digits:  # answers were kept before there was such a wish
            del content["all_digits"]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
