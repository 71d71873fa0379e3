"""The rows of a record table as they stood after a run.

System columns tell it: a row was there from ``_seen_run`` on, and gone from ``_gone_run`` on. What
was the latest then is found anew, as the merge finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.table import RecordTable

__all__ = ["identity", "knows_runs", "last_run", "latest_after", "versions_after"]


def identity(definition: SeriesDefinition) -> tuple[str, ...]:
    """Columns whose values versions of one record share; the number where there is no prime key."""
    return definition.internal_prime_keys or ("recnum",)


def latest_after(definition: SeriesDefinition, rows: str, run: int, *, where: str = "TRUE") -> str:
    """SQL for the latest version of each record after a run; all of it says that it is the latest.

    Parameters
    ----------
    definition : SeriesDefinition
    rows : str
        SQL of a relation that has the system columns, ``recnum`` and the prime keys.
    run : int
    where : str
        A condition on prime keys, in SQL.
    """
    keys = _listed(identity(definition))
    return (
        f"(SELECT * REPLACE (TRUE AS _latest, CAST(NULL AS BIGINT) AS _gone_run) FROM ("
        f"SELECT * FROM {rows} WHERE _seen_run <= {literal(run)} AND ({where}) "
        f"QUALIFY row_number() OVER "
        f"(PARTITION BY {keys}, _generation, recnum ORDER BY _seen_run DESC) = 1"
        f") WHERE {_is_there(run)} QUALIFY row_number() OVER "
        f"(PARTITION BY {keys} ORDER BY _generation DESC, recnum DESC) = 1)"
    )


def versions_after(rows: str, run: int, *, where: str = "TRUE") -> str:
    """SQL for every version after a run, each record number once: as it was read last by then.

    Parameters
    ----------
    rows : str
        As for :func:`latest_after`.
    run : int
    where : str
        A condition on ``recnum``, in SQL.
    """
    # one that a run moved twice has rows under several keys, all but the last of which are gone
    return (
        f"(SELECT * REPLACE (CAST(NULL AS BIGINT) AS _gone_run) FROM ("
        f"SELECT * FROM {rows} WHERE _seen_run <= {literal(run)} AND ({where}) "
        f"QUALIFY row_number() OVER (PARTITION BY recnum ORDER BY _generation DESC, "
        f"_seen_run DESC, _gone_run DESC NULLS FIRST) = 1) WHERE {_is_there(run)})"
    )


def last_run(table: RecordTable) -> int:
    """The largest number of a run that the rows of a table name; 0 without rows."""
    marks = ("_seen_run", "_gone_run")
    rows = files_relation(table.files(), pa.schema([table.schema.field(name) for name in marks]))
    with table.connect([table.path]) as connection:
        found = connection.execute(f"SELECT max(_seen_run), max(_gone_run) FROM {rows}").fetchall()
    return max((number for number in found[0] if number is not None), default=0)


def knows_runs(table: RecordTable, numbers: range) -> bool:
    """Whether rows of a table name one of some runs, as what brought them or found them gone."""
    marks = ("_seen_run", "_gone_run")
    rows = files_relation(table.files(), pa.schema([table.schema.field(name) for name in marks]))
    between = " OR ".join(
        f"{mark} BETWEEN {literal(numbers.start)} AND {literal(numbers.stop - 1)}" for mark in marks
    )
    with table.connect([table.path]) as connection:
        found = connection.execute(f"SELECT 1 FROM {rows} WHERE {between} LIMIT 1").fetchall()
    return bool(found)


def _is_there(run: int) -> str:
    return f"(_gone_run IS NULL OR _gone_run > {literal(run)})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in names)
