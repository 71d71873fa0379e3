"""DuckDB as the engine of every local read: in memory, bounded, without the network.

No extension is ever loaded or fetched: compute nodes have no internet.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from drmsmirror.errors import IntegrityError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "Connect",
    "Interruptible",
    "OutOfTimeError",
    "connect",
    "duckdb_type",
    "explained",
    "files_relation",
    "identifier",
    "literal",
    "open_database",
    "unreadable",
]

_Result = TypeVar("_Result")

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "preserve_insertion_order": "true",
}

#: Files of a record table never change, so that what they begin with can be remembered.
_REMEMBERING = "SET GLOBAL parquet_metadata_cache = {}"

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


#: Gives a connection for the length of a ``with`` block, as :func:`connect` does.
Connect = Callable[[Sequence[Path]], AbstractContextManager["DuckDBPyConnection"]]


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
    with closing(open_database(directories)) as connection, explained(directories):
        yield connection


def open_database(
    directories: Sequence[Path], *, remembers_files: bool = True
) -> DuckDBPyConnection:
    """Make a database in memory, by which nothing on disk but the directories can be read."""
    import duckdb

    # what does not fit into memory goes there; by default it would go to the working directory
    spill = {"temp_directory": f"{tempfile.gettempdir()}/drmsmirror-{os.getpid()}"}
    connection = duckdb.connect(":memory:", config=_SETTINGS | spill)
    allowed = ", ".join(literal(f"{directory}/") for directory in directories)
    remembering = _REMEMBERING.format(str(remembers_files).lower())
    connection.execute(f"SET allowed_directories = [{allowed}]; {remembering}; {_LOCKED}")
    return connection


@contextmanager
def explained(directories: Sequence[Path]) -> Iterator[None]:
    """Say of which record table a file is absent or damaged; see :func:`connect`."""
    import duckdb

    try:
        yield
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


def files_relation(files: Sequence[str], schema: pa.Schema, partition: str = "_period") -> str:
    """SQL for the rows of some Parquet files, with exactly the columns of ``schema``.

    A file written before a keyword was added lacks its column: those rows have null there.

    Parameters
    ----------
    files : sequence of str
        Paths.
    schema : pyarrow.Schema
    partition : str
        The column that stands in the paths and not in the files. To read it takes the engine more
        time: it looks into every file first.
    """
    types = {field.name: duckdb_type(field.type) for field in schema}
    listed = ", ".join(literal(file) for file in files)
    if files and partition not in types:
        return f"read_parquet([{listed}], schema = {_schema(types)})"
    columns = ", ".join(f"CAST(NULL AS {types[name]}) AS {identifier(name)}" for name in types)
    nothing = f"SELECT {columns} WHERE FALSE"
    if not files:
        return f"({nothing})"
    names = ", ".join(identifier(name) for name in types)
    rows = (
        f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = true, "
        f"hive_types = {{{literal(partition)}: VARCHAR}})"
    )
    return f"(SELECT {names} FROM ({nothing} UNION ALL BY NAME {rows}))"


def _schema(types: Mapping[str, str]) -> str:
    """Names and types of columns as ``read_parquet`` takes them.

    As one text, since an expression of many parts takes the engine longer to read than the rows.
    """
    columns = ", ".join(
        f"{quoted}={{name: {quoted}, type: {type_}, default_value: NULL}}"
        for quoted, type_ in ((json.dumps(name), type_) for name, type_ in types.items())
    )
    kind = "MAP(VARCHAR, STRUCT(name VARCHAR, type VARCHAR, default_value VARCHAR))"
    return f"CAST({literal(f'{{{columns}}}')} AS {kind})"
