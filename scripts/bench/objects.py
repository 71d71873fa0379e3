"""Objects: files of 16 MiB stored in pieces of 1 MiB, as downloads are, and read to be checked.

The floor of storing is the slower of two that no store can do without: the SHA-256 of the bytes,
and writing as many files with ``fsync``. That of checking is hashing the same files.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drmsmirror.objects import Condition, LocalObjects
from scripts.bench.measure import Clock, Figure, interleave, median, ratio

__all__ = ["figures", "run"]

_FILES = {"small": 16, "full": 64}
_REPEATS = {"small": 5, "full": 9}
_BYTES = 16 * 2**20
_PIECE = 2**20
_LEAST_STORING = 0.6
_LEAST_CHECKING = 0.7


def run(size: str) -> list[Figure]:
    """Measure; that what is stored is what was given is checked first."""
    return figures(_FILES[size], _BYTES, _REPEATS[size])


def figures(files: int, size: int, repeats: int) -> list[Figure]:
    """Measure with so many files of so many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        case = _Case(Path(folder), files, size)
        case.store()
        case.check()
        storing = interleave(
            {"ours": case.store, "hash": case.hash, "copy": case.write}, repeats, warm=False
        )
        adopting = interleave({"ours": case.adopt, "copy": case.write}, repeats, warm=False)
        checking = interleave({"ours": case.read, "floor": case.hash_files}, repeats)
    slower = max(("hash", "copy"), key=lambda name: median(storing[name]))
    names = {"hash": "SHA-256", "copy": "write and fsync"}
    volume = files * size
    what = f"{files} files of {size / 2**20:g} MiB"
    return [
        _figure(f"{what}: a part in pieces of 1 MiB, finished", volume, storing["ours"],
                storing[slower], names[slower], _LEAST_STORING),
        _figure("the same as files that are adopted by copy", volume, adopting["ours"],
                adopting["copy"], names["copy"], None),
        _figure("hash_of() of each", volume, checking["ours"], checking["floor"],
                "SHA-256 of the files", _LEAST_CHECKING),
    ]  # fmt: skip


class _Case:
    """A store, files beside it, and what is done to both."""

    def __init__(self, folder: Path, files: int, size: int) -> None:
        self._folder = folder
        self._files = files
        content = os.urandom(size - 8)
        self._content = [content[begin : begin + _PIECE] for begin in range(0, size - 8, _PIECE)]
        self._store = LocalObjects(folder / "objects")
        (folder / "written").mkdir()

    def store(self) -> None:
        """Store everything anew."""
        self._empty()
        for number in range(self._files):
            with self._store.part(f"{number:016x}") as part:
                assert part is not None
                for piece in self._pieces(number):
                    part.append(piece)
                part.finish()

    def adopt(self) -> None:
        self._empty()
        for number in range(self._files):
            self._store.put_file(self._written(number))

    def hash(self) -> None:
        for number in range(self._files):
            digest = hashlib.sha256()
            for piece in self._pieces(number):
                digest.update(piece)
            digest.hexdigest()

    def write(self) -> None:
        for number in range(self._files):
            self._written(number).unlink(missing_ok=True)
            with self._written(number).open("wb", buffering=0) as file:
                for piece in self._pieces(number):
                    file.write(piece)
                os.fsync(file.fileno())

    def read(self) -> None:
        for stored in self._store.walk():
            self._store.hash_of(stored.sha256)

    def hash_files(self) -> None:
        for path in self._folder.glob("objects/??/*"):
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256").hexdigest()

    def check(self) -> None:
        """What is stored is what was given."""
        stored = {one.sha256 for one in self._store.walk()}
        given = {
            hashlib.sha256(b"".join(self._pieces(number))).hexdigest()
            for number in range(self._files)
        }
        if stored != given:
            raise AssertionError(f"{len(stored & given)} of {len(given)} objects are there")
        for name in stored:
            if self._store.hash_of(name).condition is not Condition.INTACT:
                raise AssertionError(f"{name} is not what it was")

    def _pieces(self, number: int) -> Iterator[bytes]:
        """Content that differs from file to file by its first bytes."""
        yield number.to_bytes(8, "big")
        yield from self._content

    def _empty(self) -> None:
        """Remove the objects; their directories stay, as they do in a store that is in use."""
        for stored in self._store.walk():
            self._store.remove(stored.sha256)

    def _written(self, number: int) -> Path:
        return self._folder / "written" / str(number)


def _figure(
    what: str,
    volume: int,
    ours: list[Clock],
    floor: list[Clock],
    name: str,
    least: float | None,
) -> Figure:
    share = 1 / ratio(ours, floor)
    speed, possible = (volume / median(taken) / 1e6 for taken in (ours, floor))
    return Figure(
        "objects",
        what,
        f"{speed:,.0f} MB/s",
        f"{possible:,.0f} MB/s ({name})",
        f"{share:.2f}",
        "" if least is None else f"at least {least:g}",
        None if least is None else share >= least,
    )
