"""SQL over the whole mirror: one SELECT, parsed and checked first, then run by DuckDB.

The statement can name series and nothing else: no file, no setting, no table function. Besides
being parsed it runs on a connection that can read the record tables of those series only and write
nothing there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from drmsmirror.errors import SqlError
from drmsmirror.mirror import Mirror
from drmsmirror.records import Interruptible, connect, create_view

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

__all__ = ["run_sql"]

_DIALECT = "duckdb"
_WORD = re.compile(r"[a-z_][a-z0-9_]*")

# sqlglot announces on stderr what it cannot parse in detail; here that is refused, in our words
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

#: Functions that depend on nothing but their arguments, yet tell of the machine or can run on.
_REFUSED_FUNCTIONS = frozenset({"getenv", "current_setting", "sleep_ms", "nextval", "currval"})


def run_sql(mirror: Mirror, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one SELECT, or DESCRIBE, over the series that the mirror holds.

    Parameters
    ----------
    mirror : Mirror
    statement : str
        DuckDB's SQL; series are named as in DRMS: ``hmi.sharp_720s``.

    Returns
    -------
    columns : list of str
    rows : list of tuple
        A FLOAT is the number that its own shortest digits spell.

    Raises
    ------
    SqlError
        It is no single SELECT, names what is no series of the mirror, uses what is not allowed,
        or the engine cannot run it.
    IntegrityError
        The record table of a series that it names cannot be read.
    """
    import duckdb

    held = _held(mirror)
    parsed = _parse(statement)
    described = _check(parsed, statement, held)
    named = _named(parsed, held)
    tables = [mirror.table(mirror.catalogue.definition(name)) for name in named]
    try:
        with (
            connect([table.path for table in tables]) as connection,
            Interruptible(connection) as do,
        ):
            for table in tables:
                create_view(connection, table)
            text = _columns_of(described) if described else statement
            columns, rows = do(lambda: _answer(connection, text))
    except duckdb.Error as error:
        raise SqlError(f"DuckDB cannot run this: {error}") from None
    return [name for name, _ in columns], _with_own_digits(rows, [type_ for _, type_ in columns])


def _answer(
    connection: duckdb.DuckDBPyConnection, text: str
) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Names and types of the columns, and the rows."""
    result = connection.execute(text)
    described = result.description or []
    return [(name, str(type_)) for name, type_, *_ in described], result.fetchall()


def _with_own_digits(rows: list[tuple[Any, ...]], types: Sequence[str]) -> list[tuple[Any, ...]]:
    """Floats by their own digits: as doubles they show 17, of which DRMS printed eight or so."""
    import numpy as np

    floats = {place for place, type_ in enumerate(types) if type_ == "FLOAT"}
    if not floats:
        return rows
    return [
        tuple(
            float(str(np.float32(value))) if place in floats and value is not None else value
            for place, value in enumerate(row)
        )
        for row in rows
    ]


def _held(mirror: Mirror) -> list[str]:
    """Names of the series that have a record table, in lower case and in their order."""
    catalogue = mirror.catalogue
    names = [series.name for series in catalogue.series()]
    return sorted(name.lower() for name in names if catalogue.state(name).table_path is not None)


def _parse(statement: str) -> exp.Expr:
    import sqlglot

    try:
        parsed = [tree for tree in sqlglot.parse(statement, read=_DIALECT) if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise SqlError(f"This is not SQL that can be read: {error}") from None
    except RecursionError:
        raise SqlError("This statement is too deep. Write it simpler") from None
    if len(parsed) != 1:
        raise SqlError(f"One SELECT at a time; these are {len(parsed)} statements")
    return parsed[0]


def _check(parsed: exp.Expr, statement: str, held: Sequence[str]) -> str | None:
    """Refuse what is not allowed; the name of the series where one is to be described."""
    from sqlglot import exp

    if isinstance(parsed, exp.Describe) and isinstance(parsed.this, exp.Table):
        name = _full_name(parsed.this)
        _refuse_unknown(parsed.this, name, held)
        return name
    if not isinstance(parsed, exp.Query):
        raise SqlError(f"Only SELECT and DESCRIBE are allowed, not: {statement.strip()[:60]}")
    own = {expression.alias.lower() for expression in parsed.find_all(exp.CTE)}
    for name in own:
        _refuse_own_name(name)
    for node in parsed.walk():
        if isinstance(node, exp.Into | exp.Command | exp.Lock | exp.Parameter | exp.Placeholder):
            raise SqlError(f"{(node.sql(_DIALECT) or node.key)[:60]!r} is not allowed here")
        if isinstance(node, exp.Table):
            name = _full_name(node)
            if name not in own:
                _refuse_unknown(node, name, held)
        elif isinstance(node, exp.Func):
            _refuse_function(node)
    return None


def _refuse_own_name(name: str) -> None:
    """What a WITH defines is known in a part of the statement only.

    So it is to be named like nothing that the engine would find in the other parts.
    """
    if not _WORD.fullmatch(name) or name in _engines_own_views():
        raise SqlError(f"{name[:60]!r} cannot be defined by WITH: choose another word")


def _full_name(table: exp.Table) -> str:
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier):
        return ""
    parts = [part for part in (table.catalog, table.db, table.name) if part]
    return ".".join(parts).lower()


def _refuse_unknown(table: exp.Table, name: str, held: Sequence[str]) -> None:
    if name in held:
        return
    known = f"held are {', '.join(held)}" if held else "the mirror holds none yet"
    raise SqlError(f"{table.sql(_DIALECT)} is no series of this mirror; {known}")


def _refuse_function(node: exp.Func) -> None:
    from sqlglot import exp

    names = [node.name] if isinstance(node, exp.Anonymous) else list(node.sql_names())
    found = {name.lower() for name in names}
    if isinstance(node, exp.Anonymous) and not found <= _pure_functions():
        raise SqlError(f"The function {node.name}() is not allowed here")
    if found & _REFUSED_FUNCTIONS:
        raise SqlError(f"The function {sorted(found)[0]}() is not allowed here")


@cache
def _engines_own_views() -> frozenset[str]:
    """Views by which the engine tells of itself and its settings."""
    with connect() as connection:
        rows = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name IN ('main', 'pg_catalog')"
        ).fetchall()
    return frozenset(name.lower() for (name,) in rows)


@cache
def _pure_functions() -> frozenset[str]:
    """Scalar and aggregate functions of the engine that only look at their arguments."""
    with connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN "
            "('scalar', 'aggregate') AND NOT coalesce(has_side_effects, FALSE)"
        ).fetchall()
    return frozenset(name for (name,) in rows) - _REFUSED_FUNCTIONS


def _named(parsed: exp.Expr, held: Sequence[str]) -> list[str]:
    """The series that the statement names, each once."""
    from sqlglot import exp

    names = {_full_name(table) for table in parsed.find_all(exp.Table)}
    return sorted(names & set(held))


def _columns_of(name: str) -> str:
    namespace, _, table = name.partition(".")
    return (
        "SELECT column_name AS column, data_type AS type, comment FROM duckdb_columns() "
        f"WHERE schema_name = '{namespace}' AND table_name = '{table}' ORDER BY column_index"
    )
