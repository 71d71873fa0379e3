"""Commands in processes of their own that begin at once: forks of one that has imported everything.

A new interpreter spends most of a second on imports. Nothing that starts threads runs in the
process that is forked.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ended", "Forks", "forks"]

_PROJECT = Path(__file__).parents[2]
#: What the package imports where it is used.
_LATE = ("alembic.command", "apscheduler.schedulers.background", "deltalake", "duckdb", "orjson",
         "pyarrow.parquet", "sqlalchemy.dialects.sqlite", "sqlglot")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Parameters
    ----------
    code : int
        Its exit code; the number of a signal, negative, where one ended it.
    said : str
    visits : dict of str to int
        How often it came to each fail point; nothing where it was killed.
    """

    code: int
    said: str
    visits: dict[str, int]


class Forks:
    """Runs commands, one after the other."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    @property
    def pid(self) -> int:
        """The process that is forked."""
        return self._server.pid

    def run(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Ended:
        """Run ``drmsmirror`` with these arguments, and nothing else in its environment."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([arguments, dict(environment)]) + "\n")
        self._server.stdin.flush()
        return Ended(**json.loads(self._server.stdout.readline()))


@contextmanager
def forks(*within: str) -> Iterator[Forks]:
    """Have a process that is forked for each command, for as long as the block runs.

    Parameters
    ----------
    within : str
        A command that runs another one, to begin with.
    """
    with subprocess.Popen(
        [*within, sys.executable, "-P", "-m", "tests.faults.forking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(_PROJECT)},
    ) as server:
        yield Forks(server)
        assert server.stdin is not None
        server.stdin.close()


def _serve() -> None:
    import drmsmirror

    for module in pkgutil.walk_packages(drmsmirror.__path__, "drmsmirror."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        with tempfile.NamedTemporaryFile() as said, tempfile.NamedTemporaryFile() as visits:
            child = os.fork()
            if not child:
                _run(*json.loads(line), said.name, visits.name)
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            text, seen = Path(said.name).read_text(), Path(visits.name).read_text()
        told = {"code": code, "said": text, "visits": json.loads(seen or "{}")}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _run(arguments: list[str], environment: dict[str, str], said: str, visits: str) -> None:
    """Be the process of a command, to its end."""
    from drmsmirror.cli.main import main
    from drmsmirror.failpoints import visits as visited

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    out = os.open(said, os.O_WRONLY)
    for stream, to in ((0, os.open(os.devnull, os.O_RDONLY)), (1, out), (2, out)):
        os.dup2(to, stream)
    sys.argv = ["drmsmirror", *arguments]
    code = 70
    try:
        main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    except BaseException:  # noqa: BLE001 - it is told, and the process ends here
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        Path(visits).write_text(json.dumps(visited()))
        os._exit(code)


if __name__ == "__main__":
    _serve()
