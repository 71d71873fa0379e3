"""Memory: the peak of a sync and of a query must not grow with the length of the series.

Each case is a process of its own that runs the installed command line; the upstream is the sample
JSOC in another process. The peak is VmHWM, all memory that was resident at once. The floor of a
case is the same with a tenth of the records; both are long enough for windows, batches and
compaction to have their full size.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from scripts.bench.measure import Figure

__all__ = ["run"]

_RECORDS = {"small": (10_000, 100_000), "full": (100_000, 1_000_000)}
_KEYWORDS = 58  # and REGION, T_REC
_SERIES = "test.wide"
_MOST = 1.25
#: With so few the shorter series is compacted as well.
_COMPACT_ABOVE = "4"


def run(size: str) -> list[Figure]:
    """Measure, and check each time that all records came."""
    few, many = _RECORDS[size]
    peaks: dict[str, list[int]] = {}
    for records in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            for case, peak in _peaks(records, Path(folder)).items():
                peaks.setdefault(case, []).append(peak)
    return [
        _figure(f"{case}, {many:,} records", peak, floor, few)
        for case, (floor, peak) in peaks.items()
    ]


def _figure(what: str, peak: int, floor: int, few: int) -> Figure:
    growth = peak / floor
    return Figure(
        "memory",
        what,
        f"{peak / 2**20:.0f} MiB",
        f"{floor / 2**20:.0f} MiB ({few:,} records)",
        f"{growth:.2f}",
        f"at most {_MOST}",
        growth <= _MOST,
    )


def _peaks(records: int, folder: Path) -> dict[str, int]:
    """Peak of each case, bytes."""
    peaks = {}
    mirror = folder / "mirror"
    with _upstream(records, folder) as url:
        environment = {
            "DRMSMIRROR_MIRROR": str(mirror),
            "DRMSMIRROR_UPSTREAM__URL": url,
            "DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND": "1000",
            "DRMSMIRROR_RECORDS__COMPACT_ABOVE_FILES": _COMPACT_ABOVE,
        }
        peaks["sync"] = _run(folder, environment, "sync", _SERIES, "--yes")
    for form in ("parquet", "csv"):
        output = folder / f"answer.{form}"
        query = ("query", _SERIES, "--offline", "-f", form, "-o", str(output))
        peaks[f"query to {form}"] = _run(folder, environment, *query)
        if (rows := _rows(output)) != records:
            raise AssertionError(f"{rows} of {records} records are in {output.name}")
    return peaks


def _run(folder: Path, environment: dict[str, str], *arguments: str) -> int:
    peak = folder / "peak"
    subprocess.run(
        [sys.executable, "-m", "scripts.bench.child", str(peak), *arguments],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    return int(peak.read_text(encoding="ascii"))


def _rows(output: Path) -> int:
    if output.suffix == ".parquet":
        return int(pq.read_metadata(output).num_rows)
    with output.open("rb") as stream:
        return sum(1 for _ in stream) - 1


@contextmanager
def _upstream(records: int, folder: Path) -> Iterator[str]:
    """The sample JSOC with one series, in a process of its own; gives its address."""
    port = folder / "port"
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.jsoc"),
            *("--wide", f"{records}x{_KEYWORDS}", "--port-file", str(port)),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (port.exists() and port.read_text(encoding="ascii").endswith("\n")):
            if server.poll() is not None:
                raise RuntimeError(f"the sample upstream ended with {server.returncode}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{int(port.read_text(encoding='ascii'))}"
    finally:
        server.terminate()
        server.wait()
