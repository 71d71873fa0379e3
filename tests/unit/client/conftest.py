"""A mirror that holds two small series of the vectors, and a secret beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drmsmirror.mirror import Mirror
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, copy_of, series, settings_for

__all__ = ["copy_of"]


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """Give a mirror of two series; it is only read."""
    with SampleJsoc([series("hmi.M_45s", 150), series("test.strfsn", 150)]) as jsoc:
        copy = Copy(settings_for(tmp_path_factory.mktemp("held") / "mirror", jsoc), jsoc)
        copy.sync("hmi.M_45s")
        copy.sync("test.strfsn")
        yield copy


@pytest.fixture
def mirror(held: Copy) -> Iterator[Mirror]:
    with held.open() as opened:
        yield opened


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[str], Path]:
    """Write a file that no statement may read."""

    def write(name: str) -> Path:
        (tmp_path / name).write_text("a,b\n1,TOPSECRET\n")
        return tmp_path / name

    return write
