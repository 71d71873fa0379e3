"""Measuring: interleaved repeats, medians, wall and CPU time, and the facts of the machine."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Clock",
    "Figure",
    "child_cpu",
    "clock",
    "exit_code",
    "interleave",
    "machine",
    "median",
    "ratio",
    "show",
]

_LIBRARIES = ("deltalake", "duckdb", "numpy", "orjson", "pandas", "pyarrow", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Clock:
    """What one run of a case took, seconds; ``cpu`` is of all threads of this process."""

    wall: float
    cpu: float

    def seconds(self, kind: Literal["wall", "cpu"]) -> float:
        """One of the two."""
        return self.cpu if kind == "cpu" else self.wall


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Parameters
    ----------
    bench, what : str
        Which bench, and what was measured.
    value, floor : str
        The figure with its unit, and that of the floor.
    ratio : str
        The two compared; empty where there is no floor.
    required : str
        What the ratio, or the figure, has to be; empty for information.
    met : bool or None
    """

    bench: str
    what: str
    value: str
    floor: str = ""
    ratio: str = ""
    required: str = ""
    met: bool | None = None


def clock(action: Callable[[], object]) -> Clock:
    """Run once, with no garbage left from before."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Clock(time.perf_counter() - wall, time.process_time() - cpu)


def interleave(
    cases: Mapping[str, Callable[[], object]], repeats: int, *, warm: bool = True
) -> dict[str, list[Clock]]:
    """Run the cases in turn, so that a busy moment of the machine meets all of them."""
    if warm:
        for action in cases.values():
            action()
    taken: dict[str, list[Clock]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, action in cases.items():
            taken[name].append(clock(action))
    return taken


def median(taken: Sequence[Clock], kind: Literal["wall", "cpu"] = "wall") -> float:
    """Median of the wall times, or of the CPU times, in seconds."""
    return statistics.median(one.seconds(kind) for one in taken)


def ratio(
    ours: Sequence[Clock], floor: Sequence[Clock], kind: Literal["wall", "cpu"] = "wall"
) -> float:
    """Median over the rounds of our time divided by the floor's of the same round."""
    pairs = zip(ours, floor, strict=True)
    return statistics.median(one.seconds(kind) / two.seconds(kind) for one, two in pairs)


def child_cpu(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """User and system time of a process and its children, seconds.

    Raises
    ------
    RuntimeError
        It failed.
    """
    null = os.open(os.devnull, os.O_RDWR)
    try:
        child = os.posix_spawn(
            arguments[0],
            list(arguments),
            dict(environment),
            file_actions=[(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)],
        )
    finally:
        os.close(null)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} failed with status {status}")
    return usage.ru_utime + usage.ru_stime


def machine() -> str:
    """Cores, Python and library versions, on one line."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"


def exit_code(figures: Sequence[Figure], *, check: bool) -> int:
    """1 where that is to be checked and a figure is not as it has to be, else 0."""
    return int(check and any(figure.met is False for figure in figures))


def show(figures: Sequence[Figure], *, markdown: bool = False) -> str:
    """The figures as a table."""
    head = ("bench", "what", "measured", "floor", "ratio", "required", "met")
    verdicts = {None: "", True: "yes", False: "NO"}
    rows = [
        (f.bench, f.what, f.value, f.floor, f.ratio, f.required, verdicts[f.met]) for f in figures
    ]
    if markdown:
        lines = [head, ("---",) * len(head), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(len(line[place]) for line in (head, *rows)) for place in range(len(head))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *rows)
    ]
    return "\n".join(padded)
