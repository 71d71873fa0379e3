"""Verifying: all files read and compared with their names, as ``drmsmirror verify`` does.

2 GB in files of 2 to 20 MB (size small: 0.3 GB), in the page cache. The floor is the SHA-256 of
the same files and nothing else. Memory is what all of it adds at its peak, in a process of its own
that has verified a little before: with so many small files, against few.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import insert

from drmsmirror.catalogue import utc_now
from drmsmirror.catalogue.tables import object_totals, objects, segment_files
from drmsmirror.mirror import Mirror
from drmsmirror.segments.verifying import verify
from drmsmirror.settings import Settings
from scripts.bench.measure import Clock, Figure, interleave, median, ratio

__all__ = ["figures", "run"]

_BYTES = {"small": 300_000_000, "full": 2_000_000_000}
_REPEATS = {"small": 5, "full": 7}
_FEW = 1_000
_MANY = {"small": 20_000, "full": 200_000}
_SMALL_FILE = 200
_SIZES = (2_000_000, 20_000_000, 5_000_000, 11_000_000, 16_000_000, 8_000_000)
_LEAST = 0.7
#: The page caches of a catalogue that is read and written fill, which are bounded, bytes.
_MORE = 16 * 2**20
_MOST = 1.5


def run(size: str) -> list[Figure]:
    """Measure, and check each time that all files were found sound."""
    return figures(_BYTES[size], _SIZES, _REPEATS[size], _FEW, _MANY[size])


def figures(volume: int, sizes: tuple[int, ...], repeats: int, few: int, many: int) -> list[Figure]:
    """Measure with so many bytes in files of these sizes, and with so many small files."""
    several = _as_many(sizes, volume)
    with _mirror(several) as mirror:
        paths = sorted(mirror.root.glob("objects/??/*"))

        def ours() -> None:
            _verify(mirror, len(several))

        def floor() -> None:
            for path in paths:
                with path.open("rb") as file:
                    assert hashlib.file_digest(file, "sha256").hexdigest() == path.name

        taken = interleave({"ours": ours, "floor": floor}, repeats)
    return [
        _of_speed(len(several), sum(several), taken["ours"], taken["floor"]),
        _of_memory(few, many),
    ]


def _verify(mirror: Mirror, count: int) -> None:
    found = verify(mirror)
    if (found.objects, found.is_complete, found.unrepaired) != (count, True, 0):
        raise AssertionError(f"{found.objects} of {count} files were read: {found}")


def _as_many(sizes: tuple[int, ...], volume: int) -> list[int]:
    """So many of some sizes that they are a volume together."""
    found: list[int] = []
    for size in cycle(sizes):
        if sum(found) >= volume:
            return found
        found.append(size)
    raise AssertionError("a cycle has no end")


@contextmanager
def _mirror(sizes: list[int]) -> Iterator[Mirror]:
    """A mirror that has files of these sizes, each of an object of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(mirror=Path(folder) / "mirror")
        with Mirror.create(settings) as mirror:
            _fill(mirror, sizes)
            yield mirror


def _fill(mirror: Mirror, sizes: list[int]) -> None:
    store, filling, long_ago = mirror.root / "objects", os.urandom(max(sizes)), utc_now()
    for number in range(256):
        (store / f"{number:02x}").mkdir(parents=True, exist_ok=True)
    for begin in range(0, len(sizes), 1000):
        rows, files = [], []
        for number, size in enumerate(sizes[begin : begin + 1000], begin):
            content = number.to_bytes(8, "big") + filling[: size - 8]
            name = hashlib.sha256(content).hexdigest()
            (store / name[:2] / name).write_bytes(content)
            moments = {"stored_utc": long_ago, "used_utc": long_ago}
            rows.append({"sha256": name, "bytes": size, "is_leaving": False} | moments)
            key = {"series_key": "test.wide", "generation": 0, "recnum": number + 1}
            files.append(
                key
                | {"segment_key": "x", "sha256": name, "file_name": "x", "fetched_utc": long_ago}
            )
        with mirror.catalogue.database.write() as connection:
            connection.execute(insert(objects), rows)
            connection.execute(insert(segment_files), files)
    with mirror.catalogue.database.write() as connection:
        totals = {"id": 1, "objects": len(sizes), "bytes": sum(sizes)}
        connection.execute(insert(object_totals), totals)


def _of_speed(files: int, volume: int, ours: list[Clock], floor: list[Clock]) -> Figure:
    share = 1 / ratio(ours, floor)
    speed, possible = (volume / median(taken) / 1e6 for taken in (ours, floor))
    return Figure(
        "verifying",
        f"{files:,} files of {volume / files / 1e6:.0f} MB: verify()",
        f"{speed:,.0f} MB/s",
        f"{possible:,.0f} MB/s (SHA-256 of the files)",
        f"{share:.2f}",
        f"at least {_LEAST:g}",
        share >= _LEAST,
    )


# -- memory ---------------------------------------------------------------------------------------


def _of_memory(few: int, many: int) -> Figure:
    least, most = (_added(count) for count in (few, many))
    return Figure(
        "verifying",
        f"memory that verify() adds, {many:,} files",
        f"{most / 2**20:.1f} MiB",
        f"{least / 2**20:.1f} MiB ({few:,} files)",
        f"{most / max(least, 1):.2f}",
        f"at most {_MOST:g}, or {_MORE // 2**20} MiB more",
        most <= max(_MOST * least, least + _MORE),
    )


def _added(count: int) -> int:
    """Bytes that verifying so many files adds at its peak."""
    with _mirror([_SMALL_FILE] * count) as mirror:
        spawn = multiprocessing.get_context("spawn")
        receiving, sending = spawn.Pipe(duplex=False)
        child = spawn.Process(target=_measure, args=(str(mirror.root), count, sending))
        child.start()
        sending.close()
        added: int = receiving.recv()
        child.join()
    return added


def _measure(root: str, count: int, answer: Connection) -> None:
    with Mirror.open(Settings(mirror=Path(root))) as mirror:
        verify(mirror, sample=100 / count)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        before = _bytes("VmRSS")
        _verify(mirror, count)
        answer.send(_bytes("VmHWM") - before)


def _bytes(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the system does not tell the {name} of a process")
    return int(found[1]) * 1024
