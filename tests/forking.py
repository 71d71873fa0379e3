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
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Ended", "Forks", "forks"]

_PROJECT = Path(__file__).parents[1]
#: Seconds after which a command that has not ended is ended.
_LONGEST = 120
#: What the package imports where it is used.
_LATE = ("alembic.command", "apscheduler.schedulers.background", "deltalake", "duckdb", "orjson",
         "pyarrow.parquet", "sqlalchemy.dialects.sqlite", "sqlglot")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Parameters
    ----------
    returncode : int
        Its exit code; the number of a signal, negative, where one ended it.
    stdout, stderr : str
    visits : dict of str to int
        How often it came to each fail point; nothing where it was killed.
    """

    returncode: int
    stdout: str
    stderr: str
    visits: dict[str, int]

    @property
    def said(self) -> str:
        """All that it wrote."""
        return self.stdout + self.stderr


class Forks:
    """Runs commands, one after the other."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    @property
    def pid(self) -> int:
        """The process that is forked."""
        return self._server.pid

    def run(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], cwd: Path = _PROJECT
    ) -> Ended:
        """Run ``drmsmirror`` with these arguments, and nothing else in its environment."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        told = [arguments, dict(environment), str(cwd)]
        self._server.stdin.write(json.dumps(told) + "\n")
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
        [*within, sys.executable, "-P", "-m", "tests.forking"],
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
        with tempfile.TemporaryDirectory() as directory:
            told = {name: Path(directory, name) for name in ("stdout", "stderr", "visits")}
            for path in told.values():
                path.touch()
            child = os.fork()
            if not child:
                _run(*json.loads(line), **told)
            _, status = os.waitpid(child, 0)
            ended = Ended(
                os.waitstatus_to_exitcode(status),
                told["stdout"].read_text(),
                told["stderr"].read_text(),
                json.loads(told["visits"].read_text() or "{}"),
            )
        sys.stdout.write(json.dumps(asdict(ended)) + "\n")
        sys.stdout.flush()


def _run(
    arguments: list[str],
    environment: dict[str, str],
    cwd: str,
    *,
    stdout: Path,
    stderr: Path,
    visits: Path,
) -> None:
    """Be the process of a command, to its end."""
    from drmsmirror.cli.main import main
    from drmsmirror.failpoints import visits as visited

    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for stream, path in enumerate((Path(os.devnull), stdout, stderr)):
        os.dup2(os.open(path, os.O_RDWR), stream)
    signal.alarm(_LONGEST)
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
        visits.write_text(json.dumps(visited()))
        os._exit(code)


if __name__ == "__main__":
    _serve()
