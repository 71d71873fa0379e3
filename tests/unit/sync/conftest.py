"""Sample upstreams of one series each, with a mirror beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.jsoc import SampleJsoc, Series

from tests.unit.sync.mirrors import Copy, series, settings_for


@pytest.fixture
def copy_of(tmp_path: Path) -> Iterator[Callable[..., Copy]]:
    """Serve series of the vectors by name, or ready-made ones, with a mirror of their own."""
    with ExitStack() as running:

        def make(*served: str | Series, rows: int | None = None, **sections: Any) -> Copy:
            ready = [series(one, rows) if isinstance(one, str) else one for one in served]
            jsoc = running.enter_context(SampleJsoc(ready))
            root = tmp_path / f"mirror{len(list(tmp_path.iterdir()))}"
            return Copy(settings_for(root, jsoc, **sections), jsoc)

        yield make
