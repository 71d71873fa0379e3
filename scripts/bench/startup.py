"""Start-up: CPU time of whole processes that have next to nothing to do, children included.

The floors are ``python -c pass`` and ``python -c "import click"``. Measured are ``--help`` and some
commands that a mirror of a few records answers.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from scripts.bench.holdings import hold, wide
from scripts.bench.measure import Figure, child_cpu

__all__ = ["run"]

_REPEATS = {"small": 7, "full": 21}
_MOST_SECONDS = 0.2
_MOST_SECONDS_OF_A_QUERY = 1.0
_RECORDS = 1200
_REGION = 4315  # of the sample's fixed regions, ten slots in two hours


def run(size: str) -> list[Figure]:
    """Measure, and check first that each command prints what it should."""
    python = [sys.executable, "-m", "drmsmirror"]
    environment = _as_installed()
    with tempfile.TemporaryDirectory() as folder:
        recordset = _fill(Path(folder))
        mirror = ["--mirror", folder]
        query = [*python, "query", recordset, "--offline", *mirror]
        count = f"SELECT count(*) FROM {recordset.partition('[')[0]}"
        cases = {
            "pass": [sys.executable, "-c", "pass"],
            "click": [sys.executable, "-c", "import click"],
            "help": [*python, "--help"],
            "csv": [*query, "-f", "csv"],
            "table": query,
            "status": [*python, "status", *mirror],
            "sql": [*python, "sql", count, *mirror],
        }
        _check(cases, environment)
        taken = _interleave(cases, _REPEATS[size], environment)
    seconds = {name: statistics.median(times) for name, times in taken.items()}
    return [
        _figure("--help, against python -c pass", seconds, "help", "pass", _MOST_SECONDS),
        _figure("the same, against python -c 'import click'", seconds, "help", "click"),
        _figure(
            "query --offline of 10 records to csv", seconds, "csv", "pass", _MOST_SECONDS_OF_A_QUERY
        ),
        _figure("the same as a table", seconds, "table", "pass"),
        _figure("status", seconds, "status", "pass"),
        _figure("sql, a count of all records", seconds, "sql", "pass"),
    ]


def _as_installed() -> dict[str, str]:
    """The environment, in which Python may keep what it compiled: an installation has it."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _fill(mirror: Path) -> str:
    with Mirror.create(Settings(mirror=mirror)) as opened:
        definition = hold(opened, wide(_RECORDS, 20))
    return f"{definition.name}[{_REGION}][2014.07.05_TAI/2h]"


def _check(cases: Mapping[str, list[str]], environment: Mapping[str, str]) -> None:
    shown = {
        name: subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for name, arguments in cases.items()
    }
    for name, lines, start in (
        ("csv", 11, "REGION,T_REC,"),
        ("table", 11, "REGION  T_REC "),
        ("sql", 2, "count_star()"),
    ):
        text = shown[name]
        if len(text.splitlines()) != lines or not text.startswith(start):
            raise AssertionError(f"{name} prints {text[:200]!r}")
    if "Usage:" not in shown["help"] or "query" not in shown["help"]:
        raise AssertionError(f"--help prints {shown['help']!r}")
    if f"{_RECORDS:,} rows" not in shown["status"]:
        raise AssertionError(f"status prints {shown['status']!r}")


def _interleave(
    cases: Mapping[str, list[str]], repeats: int, environment: Mapping[str, str]
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, arguments in cases.items():
            taken[name].append(child_cpu(arguments, environment))
    return taken


def _figure(
    what: str, seconds: dict[str, float], ours: str, floor: str, most: float | None = None
) -> Figure:
    return Figure(
        "startup",
        what,
        f"{seconds[ours]:.3f} s CPU",
        f"{seconds[floor]:.3f} s CPU",
        f"{seconds[ours] / seconds[floor]:.1f}",
        f"below {most} s" if most else "",
        seconds[ours] < most if most else None,
    )
