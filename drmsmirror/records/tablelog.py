"""The Delta log of a record table: its commits, its checkpoints, and what of it is old.

A reader needs the last checkpoint and the commits after it; who looks for what changed, or writes
on upon a version that was read, needs those of the last hours as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KEPT_PROPERTY", "LogFile", "TableLog", "log_properties"]

#: The property that says for how long the log is kept.
KEPT_PROPERTY = "delta.logRetentionDuration"

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")
#: What delta-rs writes before it gives a commit its name.
_UNFINISHED = re.compile(r"_commit_[0-9a-f-]{36}\.json\.tmp")
_POINTER = "_last_checkpoint"


def log_properties(hours: int) -> dict[str, str]:
    """Properties of a table whose log is kept for so long.

    Nothing goes by itself: a checkpoint has to be on the disk first.
    """
    return {
        KEPT_PROPERTY: f"interval {hours} hours",
        "delta.deletedFileRetentionDuration": f"interval {hours} hours",
        "delta.enableExpiredLogCleanup": "false",
    }


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log.

    Parameters
    ----------
    path : Path
    bytes : int
    written : float
        Seconds since 1970.
    version : int or None
        Of a commit or checkpoint.
    """

    path: Path
    bytes: int
    written: float
    version: int | None

    @property
    def is_checkpoint(self) -> bool:
        """Whether it stands for all commits up to its version."""
        return _CHECKPOINT.fullmatch(self.path.name) is not None

    @property
    def is_unfinished(self) -> bool:
        """Whether it is a commit that was never given its name."""
        return _UNFINISHED.fullmatch(self.path.name) is not None


@dataclass(frozen=True, slots=True)
class TableLog:
    """The files of a log, as they were when it was looked at.

    Parameters
    ----------
    files : tuple of LogFile
        By name.
    """

    files: tuple[LogFile, ...]

    @classmethod
    def of(cls, table: Path) -> TableLog:
        """Look at the log of a table."""
        return cls(tuple(_files(table / "_delta_log")))

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def checkpoint(self) -> int | None:
        """Version of the last checkpoint."""
        versions = [file.version for file in self.files if file.is_checkpoint]
        return max((one for one in versions if one is not None), default=None)

    @property
    def checkpoint_files(self) -> list[Path]:
        """Files of the last checkpoint, and the one that names it."""
        last = self.checkpoint
        return [
            file.path
            for file in self.files
            if file.path.name == _POINTER or (file.is_checkpoint and file.version == last)
        ]

    @property
    def commits_to_read(self) -> int:
        """Commits that a reader of the newest version goes through, besides the checkpoint."""
        last = self.checkpoint
        return sum(
            1
            for file in self.files
            if _COMMIT.fullmatch(file.path.name)
            and file.version is not None
            and (last is None or file.version > last)
        )

    def old(self, before: float) -> list[LogFile]:
        """Files that the last checkpoint stands for, and that were written earlier."""
        last = self.checkpoint
        return [
            file
            for file in self.files
            if file.version is not None
            and last is not None
            and file.version < last
            and file.written < before
        ]

    def abandoned(self, before: float) -> list[LogFile]:
        """Commits that were begun earlier and never finished: their process was killed."""
        return [file for file in self.files if file.is_unfinished and file.written < before]

    def removals(self) -> dict[str, float]:
        """When the files that the newest version does not consist of were removed from it.

        Returns
        -------
        dict of str to float
            Seconds since 1970, by path relative to the table, as far as the commits go back.
        """
        removed: dict[str, float] = {}
        for file in self.files:
            if not _COMMIT.fullmatch(file.path.name):
                continue
            for line in file.path.read_text(encoding="utf-8").splitlines():
                if '"remove"' in line and (action := json.loads(line).get("remove")):
                    removed[action["path"]] = action["deletionTimestamp"] / 1000
        return removed


def _files(directory: Path) -> Iterator[LogFile]:
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        try:
            status = path.stat()
        except FileNotFoundError:  # it was removed, or given its name
            continue
        found = _COMMIT.fullmatch(path.name) or _CHECKPOINT.fullmatch(path.name)
        version = int(found[1]) if found else None
        yield LogFile(path, status.st_size, status.st_mtime, version)
