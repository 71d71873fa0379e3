"""What a directory remembers of the series that were published in it: one file of JSON.

A directory that has none, and is not empty, is not ours.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drmsmirror.errors import IntegrityError, LockedError, StoreError
from drmsmirror.files import make_directory, write_bytes
from drmsmirror.publish.note import Note

__all__ = ["Published", "alone_in", "read_notes", "write_notes"]

_FILE = "drmsmirror_published.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Published:
    """What is in the directory of one series.

    Parameters
    ----------
    note : Note
    title : str
        What the series says about itself.
    periods : dict of str to int
        Records in each partition.
    """

    note: Note
    title: str
    periods: dict[str, int]


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Make the directory where it is absent, and let no other process publish there meanwhile.

    Raises
    ------
    LockedError
        Another process does.
    StoreError
        The directory cannot be made or read.
    """
    make_directory(directory)
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"Cannot read {directory}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockedError(
                f"Another process publishes in {directory}; run the same again when it has finished"
            ) from None
        yield
    finally:
        os.close(handle)


def read_notes(directory: Path) -> dict[str, Published]:
    """What is remembered, by series in lower case; an empty directory becomes ours.

    Raises
    ------
    StoreError
        The directory has other things in it.
    IntegrityError
        The notes are damaged.
    """
    import orjson

    file = directory / _FILE
    if not file.exists():
        others = sorted(path.name for path in directory.iterdir() if not _is_passing(path))
        if others:
            raise StoreError(
                f"{directory} holds other things ({', '.join(others[:3])}); nothing was written "
                f"there. Name a directory that is empty, or one that does not exist"
            )
        write_notes(directory, {})
    try:
        content = orjson.loads(file.read_bytes())
        if content["format"] != _FORMAT:
            raise StoreError(
                f"{file} has format {content['format']}, this drmsmirror knows {_FORMAT}; install "
                f"the drmsmirror that published there, or name another directory"
            )
        return {name: _published(one) for name, one in content["series"].items()}
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"{file} is damaged ({error}); remove {directory} and publish again"
        ) from error


def write_notes(directory: Path, notes: Mapping[str, Published]) -> None:
    """Replace what is remembered."""
    import orjson

    series = {name: asdict(one) for name, one in sorted(notes.items())}
    content = {"format": _FORMAT, "series": series}
    write_bytes(directory / _FILE, orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _is_passing(path: Path) -> bool:
    """Whether it is what a killed process left of the notes."""
    return path.name.startswith(f".{_FILE}.")


def _published(one: dict[str, Any]) -> Published:
    note = one["note"]
    columns = tuple((name, type_) for name, type_ in note["columns"])
    return Published(
        Note(**note | {"columns": columns, "prime_keys": tuple(note["prime_keys"])}),
        one["title"],
        dict(one["periods"]),
    )
