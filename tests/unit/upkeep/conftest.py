"""Sample upstreams of a few series each, with a mirror beside them."""

from __future__ import annotations

from tests.unit.sync.mirrors import copy_of

__all__ = ["copy_of"]
