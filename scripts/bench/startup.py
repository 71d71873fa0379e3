"""Start-up: CPU time of a process that does next to nothing, children included.

The floors are ``python -c pass`` and ``python -c "import click"``. For information: a query that is
answered by a mirror of a few records.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from scripts.bench.holdings import hold, wide
from scripts.bench.measure import Figure, child_cpu

__all__ = ["run"]

_REPEATS = {"small": 7, "full": 21}
_MOST_SECONDS = 0.2
_RECORDS = 1200
_REGION = 4315  # of the sample's fixed regions, ten slots in two hours


def run(size: str) -> list[Figure]:
    """Measure, and check first that each command prints what it should."""
    python = [sys.executable, "-m", "drmsmirror"]
    with tempfile.TemporaryDirectory() as folder:
        mirror = Path(folder) / "mirror"
        recordset = _fill(mirror)
        query = [*python, "query", recordset, "--offline", "--mirror", str(mirror), "-f", "csv"]
        _check(python, query)
        cases = {
            "pass": [sys.executable, "-c", "pass"],
            "click": [sys.executable, "-c", "import click"],
            "help": [*python, "--help"],
            "query": query,
        }
        taken = _interleave(cases, _REPEATS[size])
    seconds = {name: statistics.median(times) for name, times in taken.items()}
    return [
        _figure("--help, against python -c pass", seconds, "help", "pass", _MOST_SECONDS),
        _figure("the same, against python -c 'import click'", seconds, "help", "click"),
        _figure("query --offline of 10 records, against python -c pass", seconds, "query", "pass"),
    ]


def _fill(mirror: Path) -> str:
    with Mirror.create(Settings(mirror=mirror)) as opened:
        definition = hold(opened, wide(_RECORDS, 20))
    return f"{definition.name}[{_REGION}][2014.07.05_TAI/2h]"


def _check(python: list[str], query: list[str]) -> None:
    shown = subprocess.run([*python, "--help"], capture_output=True, text=True, check=True).stdout
    if "Usage:" not in shown or "query" not in shown:
        raise AssertionError(f"--help prints {shown!r}")
    rows = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(rows) != 11 or not rows[0].startswith("REGION,T_REC,"):
        raise AssertionError(f"the query prints {rows[:2]}")


def _interleave(cases: dict[str, list[str]], repeats: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, arguments in cases.items():
            taken[name].append(child_cpu(arguments, os.environ))
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
