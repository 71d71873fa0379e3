"""A file without a name, for what this process reads again and nobody else does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from drmsmirror.errors import DrmsMirrorError
from drmsmirror.files.basics import explained

__all__ = ["scratch_file"]


@contextmanager
def scratch_file() -> Iterator[BinaryIO]:
    """Open a file in the system's temporary directory (``TMPDIR``), gone when the block ends.

    Raises
    ------
    NoSpaceError
        In the block: that directory is full.
    StoreError
        It cannot be written.
    """
    try:
        with tempfile.TemporaryFile(prefix="drmsmirror-") as file:
            yield file
    except OSError as error:
        if isinstance(error, DrmsMirrorError):  # of the upstream, which has its own words
            raise
        raise explained(error, Path(tempfile.gettempdir())) from error
