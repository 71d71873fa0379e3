"""DuckDB as the engine of every local read: in memory, bounded, without the network.

No extension is ever loaded or fetched: compute nodes have no internet.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from drmsmirror.errors import IntegrityError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "Interruptible",
    "OutOfTimeError",
    "connect",
    "duckdb_type",
    "files_relation",
    "identifier",
    "literal",
    "unreadable",
]

_Result = TypeVar("_Result")

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "preserve_insertion_order": "true",
}

#: Once this was run nothing else on disk can be reached, and no setting changed.
_LOCKED = "SET enable_external_access = false; SET lock_configuration = true"

_DUCKDB_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
}


#: Seconds after which what does not end is interrupted again.
_AGAIN = 0.02

#: What DuckDB makes of Ctrl-C where it notices it: a RuntimeError.
_INTERRUPTED = "Query interrupted"


@contextmanager
def connect(directories: Sequence[Path] = ()) -> Iterator[DuckDBPyConnection]:
    """A connection of its own, that is closed at the end of the ``with`` block.

    Parameters
    ----------
    directories : sequence of Path
        Of record tables. Besides these, nothing on disk can be read through the connection, and no
        setting of it can be changed any more.

    Raises
    ------
    IntegrityError
        In the block: a file of a record table is absent or damaged.
    """
    import duckdb

    # what does not fit into memory goes there; by default it would go to the working directory
    spill = {"temp_directory": f"{tempfile.gettempdir()}/drmsmirror-{os.getpid()}"}
    connection = duckdb.connect(":memory:", config=_SETTINGS | spill)
    allowed = ", ".join(literal(f"{directory}/") for directory in directories)
    with closing(connection):
        connection.execute(f"SET allowed_directories = [{allowed}]; {_LOCKED}")
        try:
            yield connection
        except duckdb.Error as error:
            for directory in directories:
                if str(directory) in str(error):
                    raise unreadable(directory, str(error).partition("\n")[0]) from None
            raise
        except RuntimeError as error:
            if str(error) != _INTERRUPTED:
                raise
            raise KeyboardInterrupt from None


def unreadable(table: Path, problem: object) -> IntegrityError:
    """The error of a record table that is absent or damaged."""
    return IntegrityError(
        f"The record table {table} cannot be read: {problem}. Bring the whole mirror back from a "
        "copy, or sync into a new one (drmsmirror init DIR)"
    )


class OutOfTimeError(Exception):
    """What was to be done took longer than it may."""


class Interruptible:
    """Does what may take long with a connection; Ctrl-C ends it, which DuckDB may not notice.

    One thread does it all, since each new one would take memory of its own.

    Parameters
    ----------
    connection : DuckDBPyConnection
    seconds : float, optional
        How long everything together may take; what the caller does in between does not count.
    """

    def __init__(self, connection: DuckDBPyConnection, seconds: float | None = None) -> None:
        self._connection = connection
        self._left = seconds
        self._worker = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Interruptible:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown()

    def __call__(self, action: Callable[[], _Result]) -> _Result:
        """Do it, and wait for it.

        Raises
        ------
        OutOfTimeError
            It was stopped.
        """
        begun = time.monotonic()
        waiting = self._worker.submit(action)
        try:
            done, _ = wait([waiting], self._left)
        except KeyboardInterrupt:
            self._stop(waiting)
            raise
        if not done:
            self._stop(waiting)
            raise OutOfTimeError
        if self._left is not None:
            self._left = max(0.0, self._left - (time.monotonic() - begun))
        return waiting.result()

    def _stop(self, waiting: Future[_Result]) -> None:
        """Interrupt until it has ended: what has not begun does not notice."""
        while not wait([waiting], _AGAIN).done:
            self._connection.interrupt()


def identifier(name: str) -> str:
    """A column or table name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A number or text as SQL; a float keeps every bit."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"CAST('{value!r}' AS DOUBLE)"
    return "'" + str(value).replace("'", "''") + "'"


def duckdb_type(type_: pa.DataType) -> str:
    """The DuckDB type that an Arrow type of a record table becomes."""
    return _DUCKDB_TYPES[type_]


def files_relation(files: Sequence[str], schema: pa.Schema) -> str:
    """SQL for the rows of some Parquet files, with exactly the columns of ``schema``.

    A file written before a keyword was added lacks its column: those rows have null there.
    """
    columns = ", ".join(
        f"CAST(NULL AS {duckdb_type(field.type)}) AS {identifier(field.name)}" for field in schema
    )
    nothing = f"SELECT {columns} WHERE FALSE"
    if not files:
        return f"({nothing})"
    listed = ", ".join(literal(file) for file in files)
    names = ", ".join(identifier(field.name) for field in schema)
    rows = (
        f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = true, "
        f"hive_types = {{'_period': VARCHAR}})"
    )
    return f"(SELECT {names} FROM ({nothing} UNION ALL BY NAME {rows}))"
