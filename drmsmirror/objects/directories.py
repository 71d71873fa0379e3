"""The directories of a store: shared by a group, and lasting before anything is put there."""

from __future__ import annotations

from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.files import make_shared_directory

__all__ = ["Directories", "names_in"]


class Directories:
    """Directories below one root.

    Parameters
    ----------
    root : Path
        Made when something below it is wanted for the first time; its parent is there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lasting: set[str] = set()

    def made(self, name: str) -> Path:
        """Give a directory, made where it is absent; its name stays, whatever happens."""
        if name not in self._lasting:
            if not self._lasting:
                make_shared_directory(self.root)
            there = names_in(self.root)
            make_shared_directory(self.root / name)  # flushes the names of all that are there
            self._lasting.update(there, [name])
        return self.root / name


def names_in(directory: Path) -> list[str]:
    """What is in a directory, in order; nothing where there is none.

    Raises
    ------
    StoreError
        It cannot be read.
    """
    try:
        return sorted(path.name for path in directory.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"Cannot read {directory}: {error.strerror or error}") from error
