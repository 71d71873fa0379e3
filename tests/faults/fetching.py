"""Fetching segment files in processes of their own, which tell in lines of JSON how they fare.

``python -m tests.faults.fetching JOB``, where the job is a :class:`Job` in JSON.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from drmsmirror.catalogue.tables import objects
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.settings import load_settings
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc
from tests.unit.sync.mirrors import PROJECT

__all__ = ["Fetchers", "Job", "fetchers", "job"]

_LATE = (
    "drmsmirror.segments.checksums", "drmsmirror.upstream.retry", "drmsmirror.upstream.session",
    "orjson", "pyarrow", "sqlalchemy.dialects.sqlite",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Parameters
    ----------
    roots : list of str
        Mirrors; in each the processes begin together, when those of the one before have ended.
    settings : dict
        Theirs.
    files : list
        What every thread wants, in that order.
    points : list of str
        At which the first process of each mirror is killed; empty for none.
    processes, threads : int
    rounds : int
        How often every thread takes one of the files by chance, in place of all of them once;
        meanwhile those that are there age.
    waits : bool
        Whether whoever waits goes on after a while; else for ever.
    """

    roots: list[str]
    settings: Mapping[str, Any]
    files: list[list[Any]]
    points: list[str] = field(default_factory=list)
    processes: int = 1
    threads: int = 1
    rounds: int = 0
    waits: bool = True


def job(roots: Sequence[Path], settings: Any, files: Sequence[SegmentFile], **more: Any) -> Job:
    """A job in mirrors of some settings."""
    sections = {name: getattr(settings, name).model_dump() for name in ("upstream", "segments")}
    wanted = [[one.series, one.generation, one.recnum, one.segment] for one in files]
    return Job([str(root) for root in roots], sections, wanted, **more)


# -- in the test ----------------------------------------------------------------------------------


class Fetchers:
    """The processes, and what they have told so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.waiting: set[tuple[int, int]] = set()
        self.outcomes: list[dict[str, Any]] = []
        self.ended: dict[str, int] = {}
        self.visits: dict[str, int] = {}

    def wait_for(self, *, waiting: int) -> None:
        """Listen until so many threads wait for another."""
        while len(self.waiting) < waiting:
            assert self._listen(), f"all have ended: {self.outcomes}"

    def finish(self) -> list[dict[str, Any]]:
        """Listen until all have ended; what came of every file in every thread."""
        while self._listen():
            pass
        assert self._process.wait(60) == 0
        return self.outcomes

    def _listen(self) -> bool:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return False
        event = json.loads(line)
        kind = event.pop("event")
        if kind == "waits":
            self.waiting.add((event["pid"], event["thread"]))
        elif kind == "ended":
            self.ended[event["root"]] = event["code"]
        elif kind == "visits":
            self.visits = event["visits"]
        else:
            self.outcomes.append(event)
        return True


@contextmanager
def fetchers(wanted: Job, *within: str) -> Iterator[Fetchers]:
    """Run a job as long as the block runs, perhaps within another command."""
    own = {name: text for name, text in os.environ.items() if "DRMSMIRROR_" not in name}
    with subprocess.Popen(
        [*within, sys.executable, "-P", "-m", "tests.faults.fetching", json.dumps(asdict(wanted))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=own | {"PYTHONPATH": str(PROJECT)},
    ) as process:
        try:
            yield Fetchers(process)
        finally:
            process.kill()


# -- in the processes -----------------------------------------------------------------------------


def _tell(**event: Any) -> None:
    os.write(1, (json.dumps({"pid": os.getpid()} | event) + "\n").encode())


def _fetch(root: str, wanted: Job) -> None:
    settings = load_settings(mirror=Path(root), flags=wanted.settings)
    files = [SegmentFile(*one) for one in wanted.files]
    told = set()

    def pause(seconds: float) -> None:
        thread = threading.get_ident()
        if thread not in told:
            told.add(thread)
            _tell(event="waits", thread=thread)
        time.sleep(seconds if wanted.waits else 3600)

    with Mirror.open(settings) as mirror:
        service = Files(mirror, SharedUpstream(mirror, Jsoc(settings.upstream), pause=pause), pause)

        def work(number: int) -> None:
            if not wanted.rounds:
                _tell_all(service, files)
                return
            chance = random.Random(1000 * os.getpid() + number)
            for _ in range(wanted.rounds):
                _tell_all(service, [chance.choice(files)])
                _age(mirror, chance)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(wanted.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _tell_all(service: Files, files: Sequence[SegmentFile]) -> None:
    for outcome in service.get(files):
        content = ""
        if outcome.path is not None:
            try:
                content = _digest(outcome.path)
            except FileNotFoundError:  # it went: its use was taken back
                content = "gone"
        _tell(
            event="outcome",
            recnum=outcome.file.recnum,
            state=outcome.state.value,
            sha256=outcome.sha256,
            read=content,
            message=outcome.message,
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _age(mirror: Mirror, chance: random.Random) -> None:
    """Have some object be one that nobody used for days."""
    names = [one.sha256 for one in mirror.catalogue.segments.objects(most=100)]
    if names:
        old = mirror.catalogue.database.clock() - timedelta(days=9)
        with mirror.catalogue.database.write() as connection:
            one = objects.c.sha256 == chance.choice(names)
            connection.execute(update(objects).where(one).values(used_utc=old))


def _run(root: str, wanted: Job, point: str) -> None:
    from drmsmirror.failpoints import visits

    children = []
    for number in range(wanted.processes):
        child = os.fork()
        if not child:
            if point and not number:
                os.environ["DRMSMIRROR_FAILPOINT"] = point
            code = 70
            try:
                _fetch(root, wanted)
                if point:
                    _tell(event="visits", visits=visits())
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    _tell(event="ended", root=root, code=min(codes) or max(codes))


def _import_all() -> None:
    """Import what is imported where it is used, once for all that are forked."""
    for name in _LATE:
        importlib.import_module(name)


if __name__ == "__main__":
    _import_all()
    todo = Job(**json.loads(sys.argv[1]))
    for place, at in zip(todo.roots, todo.points or [""] * len(todo.roots), strict=True):
        _run(place, todo, at)
