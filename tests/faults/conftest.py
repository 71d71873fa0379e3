"""Sample upstreams of a few series each, with a mirror beside them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.faults.places import Places, places
from tests.forking import Forks
from tests.unit.sync.mirrors import Copy, copy_of

__all__ = ["copy_of"]


@pytest.fixture
def kill(running: Forks) -> Callable[..., None]:
    """Run a command on a mirror that is killed at a point."""

    def run(copy: Copy, point: str, *arguments: str, **variables: str) -> None:
        environment = copy.environment(DRMSMIRROR_FAILPOINT=point, **variables)
        ended = running.run(arguments, environment)
        assert ended.returncode == -signal.SIGKILL, ended.said

    return run


@pytest.fixture(scope="session")
def all_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with places(tmp_path_factory.mktemp("places")) as ready:
        yield ready


@pytest.fixture
def place(all_places: Places) -> Iterator[Places]:
    """Give a file system that can be full, and one that can only be read, empty to begin with."""
    yield all_places
    all_places.clear()
