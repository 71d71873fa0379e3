"""Unpin: what a record set pinned may go for others again."""

from __future__ import annotations

from drmsmirror.catalogue import Pin
from drmsmirror.errors import NotFoundError
from drmsmirror.mirror import Mirror

__all__ = ["unpin"]


def unpin(mirror: Mirror, record_set: str) -> Pin:
    """Take a pin away; what it pinned may go, unless another pin pins it too.

    Raises
    ------
    NotFoundError
        There is none of that record set.
    """
    pins = mirror.catalogue.pins
    there = {one.record_set: one for one in pins.all()}
    if record_set in there and pins.remove(record_set):
        return there[record_set]
    written = "".join(f"\n  {name}" for name in list(there)[:10]) or " nothing"
    raise NotFoundError(f"{record_set} pins nothing. What does, as it was written:{written}")
