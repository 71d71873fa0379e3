"""Files that go: at once, or once nobody works on them."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from drmsmirror.failpoints import effect
from drmsmirror.files.basics import explained, flush_names, has_name

__all__ = ["abandoned_files", "is_abandoned", "remove_abandoned", "remove_file", "set_aside"]

#: Names of temporary files: the one that they shall have, and what ``tempfile`` makes of chance.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


def remove_file(path: Path) -> None:
    """Remove a file where it is there; whoever has it open can read on."""
    try:
        with effect("file.removal"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise explained(error, path, "remove") from error


def abandoned_files(directory: Path, before: float) -> list[Path]:
    """Temporary files that :func:`replacing` made, and directories, that nobody works on.

    Parameters
    ----------
    directory : Path
        Those below it are not looked at.
    before : float
        Only files that were last written earlier, seconds since 1970: on a file system that knows
        no locks a younger one may be in use.
    """
    found = (path for path in directory.glob(".*.tmp") if _TEMPORARY.fullmatch(path.name))
    return sorted(path for path in found if is_abandoned(path, before))


def is_abandoned(path: Path, before: float) -> bool:
    """Whether it is a file that nobody locks and that was last written earlier, as above.

    A directory is one that was being made: it is empty, and nobody locks it.
    """
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            return not any(path.iterdir()) and path.stat().st_mtime < before
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status = os.fstat(file.fileno())
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_mtime < before


def remove_abandoned(path: Path) -> None:
    """Remove the temporary file of a process that was killed, unless somebody locks it."""
    if path.is_dir():
        with suppress(OSError), effect("directory.removal"):
            path.rmdir()
        return
    with suppress(OSError), path.open("rb") as file:  # another process may be quicker
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if has_name(file.fileno(), path):
            with effect("file.removal"):
                path.unlink()


def set_aside(path: Path) -> None:
    """Give a damaged file another name beside the old one; nothing where it is gone."""
    try:
        with effect("file.rename"):
            path.rename(path.with_name(path.name + ".damaged"))
        with effect("directory.fsync"):
            flush_names(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise explained(error, path) from error
