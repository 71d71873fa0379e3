"""DRMS times as functions of SQL: ``tai('2014.07.05_TAI')``, ``drms_time(t_rec)``.

Both call what the rest of the project reads and prints times with, so that they agree with it to
the last digit. The engine calculates them once where the arguments are constants, and then leaves
out what a comparison with the result rules out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.times import format_times, parse_time, parse_times

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["TIME_FUNCTIONS", "create_time_functions"]

#: Their names.
TIME_FUNCTIONS = frozenset({"tai", "drms_time"})

_PRINTED = "_drms_time"


def create_time_functions(connection: DuckDBPyConnection) -> None:
    """Add the functions to a connection.

    ``tai(text)``
        Seconds since 1977.01.01_00:00:00_TAI, a DOUBLE; what is no time is an error.
    ``drms_time(seconds, zone := 'TAI', digits := 0)``
        The time as DRMS prints it; zone and precision are those of
        :func:`~drmsmirror.model.times.format_times`. PRECISION is a word of SQL.

    Of null both give null. An error of theirs ends with ``TimeTextError:`` and its message.
    """
    from duckdb.func import PythonUDFType

    connection.create_function("tai", _tai, ["VARCHAR"], "DOUBLE", type=PythonUDFType.ARROW)
    connection.create_function(
        _PRINTED, _drms_time, ["DOUBLE", "VARCHAR", "INTEGER"], "VARCHAR", type=PythonUDFType.ARROW
    )
    connection.execute(
        "CREATE MACRO drms_time(seconds, zone := 'TAI', digits := 0) AS "
        f"{_PRINTED}(CAST(seconds AS DOUBLE), zone, digits)"
    )


def _tai(texts: pa.Array) -> pa.Array:
    values, are_times = parse_times(texts)
    if not are_times.all():
        parse_time(texts[int(np.argmin(are_times))].as_py())  # says what is wrong with it
    return pa.array(values)


def _drms_time(seconds: pa.Array, zones: pa.Array, precisions: pa.Array) -> pa.Array:
    values = seconds.to_numpy(zero_copy_only=False)
    styles = pa.table([zones, precisions], ["zone", "precision"])
    distinct = styles.group_by(["zone", "precision"]).aggregate([]).to_pylist()
    if len(distinct) == 1:
        return _texts(format_times(values, **distinct[0]))
    printed = np.empty(values.size, dtype=object)
    for style in distinct:
        rows = np.asarray(
            pc.and_(pc.equal(zones, style["zone"]), pc.equal(precisions, style["precision"]))
        )
        printed[rows] = format_times(values[rows], **style)
    return _texts(printed)


def _texts(printed: np.ndarray) -> pa.Array:
    return pa.array(printed.tolist(), pa.binary()).cast(pa.string())
