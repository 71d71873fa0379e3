"""Databases of the engine that stay open: to make one takes longer than most questions do.

A question that makes tables or views has a catalogue of its own in the database, and takes it away
at the end. What is registered is its connection's own.
"""

from __future__ import annotations

import itertools
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from drmsmirror.records.engine import explained, open_database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Databases"]

#: How many are kept; each has threads and caches of its own.
_MOST = 4

_NUMBERS = itertools.count(1)


class Databases:
    """A database for each set of directories that questions read, the last used ones kept.

    Threads may share it: each question has a connection of its own, which alone is interrupted
    with it. What :func:`~drmsmirror.records.connect` says of directories and settings holds here.

    Parameters
    ----------
    remembers_files : bool
        Whether what files begin with is remembered: for whoever reads the same ones again.
    """

    def __init__(self, *, remembers_files: bool = True) -> None:
        self._remembers_files = remembers_files
        self._kept: OrderedDict[frozenset[Path], DuckDBPyConnection] = OrderedDict()
        self._lock = Lock()
        self._process: int | None = os.getpid()

    @contextmanager
    def connect(self, directories: Sequence[Path]) -> Iterator[DuckDBPyConnection]:
        """A connection that may read these directories, closed at the end of the ``with`` block.

        Raises
        ------
        IntegrityError
            In the block: a file of a record table is absent or damaged.
        """
        import duckdb

        key = frozenset(directories)
        connection = self._connection(key, directories)
        with closing(connection), explained(directories):
            try:
                yield connection
            except (duckdb.FatalException, duckdb.InternalException):
                self._forget(key)  # such a database refuses whatever else is asked of it
                raise

    @contextmanager
    def workspace(self, directories: Sequence[Path]) -> Iterator[DuckDBPyConnection]:
        """The same, for views and tables that nobody else may see; none for functions.

        They have names of a schema and of their own.
        """
        import duckdb

        name = f"workspace_{next(_NUMBERS)}"
        with self.connect(directories) as connection:
            connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
            try:
                yield connection
            finally:
                with suppress(duckdb.Error):  # the database broke, and goes as a whole
                    connection.execute(f"USE memory; DETACH {name}")

    def close(self) -> None:
        """Let go of all; whoever still reads keeps what he reads through."""
        with self._lock:
            self._process = None
            kept = list(self._kept.values())
            self._kept.clear()
        for database in kept:
            database.close()

    def _connection(self, key: frozenset[Path], directories: Sequence[Path]) -> DuckDBPyConnection:
        if self._process != os.getpid():  # closed, or forked: the threads are not here
            return self._open(directories)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._open(directories)
                while len(self._kept) > _MOST:
                    self._kept.popitem(last=False)[1].close()
            self._kept.move_to_end(key)
            return self._kept[key].cursor()

    def _open(self, directories: Sequence[Path]) -> DuckDBPyConnection:
        return open_database(directories, remembers_files=self._remembers_files)

    def _forget(self, key: frozenset[Path]) -> None:
        with self._lock:
            database = self._kept.pop(key, None)
        if database is not None:
            database.close()
