"""One statement of SQL, parsed and checked before anything of it runs.

It can name tables of the mirror and nothing else: no file, no setting, no table function.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from drmsmirror.client.sqlnames import SqlName, SqlNames
from drmsmirror.errors import SqlError, TimeTextError
from drmsmirror.model.times import parse_time
from drmsmirror.records import TIME_FUNCTIONS, connect

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Statement", "check_statement"]

_DIALECT = "duckdb"
_WORD = re.compile(r"[a-z_][a-z0-9_]*")

# sqlglot announces on stderr what it cannot parse in detail; here that is refused, in our words
logging.getLogger("sqlglot").addHandler(logging.NullHandler())

#: Functions that depend on nothing but their arguments, yet tell of the machine, run on, or read
#: an argument as SQL.
_REFUSED_FUNCTIONS = frozenset(
    {
        "current_query",
        "current_setting",
        "currval",
        "getenv",
        "getvariable",
        "in_search_path",
        "index_key",
        "json_deserialize_sql",
        "json_serialize_plan",
        "json_serialize_sql",
        "nextval",
        "setseed",
        "sleep_ms",
        "txid_current",
        "write_log",
    }
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What may run.

    Parameters
    ----------
    text : str
        As it was written.
    names : tuple of SqlName
        What it reads, each once.
    describes : bool
        Whether it only asks for the columns of what it names.
    functions : frozenset of str
        Names of functions that are not SQL's own, in lower case.
    columns : frozenset of str or None
        Names of the columns that it reads, in lower case, those that it makes itself among them.
        None where more may count than are named.
    own : frozenset of str
        Names that it gives to what it calculates, in lower case.
    """

    text: str
    names: tuple[SqlName, ...]
    describes: bool = False
    functions: frozenset[str] = frozenset()
    columns: frozenset[str] | None = None
    own: frozenset[str] = frozenset()


def check_statement(text: str, names: SqlNames) -> Statement:
    """Parse a statement and refuse what is not allowed.

    Raises
    ------
    SqlError
        It is no single SELECT or DESCRIBE, names what is no table of the mirror, or uses what is
        not allowed.
    """
    from sqlglot import exp

    parsed = _parse(text)
    if isinstance(parsed, exp.Describe) and isinstance(parsed.this, exp.Table):
        return Statement(text, (_named(parsed.this, names),), describes=True)
    if not isinstance(parsed, exp.Query):
        raise SqlError(f"Only SELECT and DESCRIBE are allowed, not: {text.strip()[:60]}")
    own = {expression.alias.lower() for expression in parsed.find_all(exp.CTE)}
    for name in own:
        _refuse_own_name(name)
    found: dict[str, SqlName] = {}
    for node in parsed.walk():
        _refuse_node(node)
        if isinstance(node, exp.Table) and _full_name(node) not in own:
            table = _named(node, names)
            found[table.text] = table
    functions = frozenset(node.name.lower() for node in parsed.find_all(exp.Anonymous))
    given = frozenset(node.alias.lower() for node in parsed.find_all(exp.Alias))
    return Statement(text, tuple(found.values()), False, functions, _columns(parsed), given)


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


def _refuse_own_name(name: str) -> None:
    """What a WITH defines is known in a part of the statement only.

    So it is to be named like nothing that the engine would find in the other parts.
    """
    if not _WORD.fullmatch(name) or name in _engines_own_views():
        raise SqlError(f"{name[:60]!r} cannot be defined by WITH: choose another word")


def _named(table: exp.Table, names: SqlNames) -> SqlName:
    from sqlglot import exp

    if isinstance(table.this, exp.Func):
        shown = table.this.sql(_DIALECT)[:60]
        raise SqlError(f"{shown} is not allowed here: functions in place of a table read files")
    return names.find(_full_name(table), table.sql(_DIALECT))


def _full_name(table: exp.Table) -> str:
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier):
        return ""
    parts = [part for part in (table.catalog, table.db, table.name) if part]
    return ".".join(parts).lower()


def _columns(parsed: exp.Query) -> frozenset[str] | None:
    """Names of the columns that a plain statement reads; None for others."""
    from sqlglot import exp

    rows = {table.alias_or_name.lower() for table in parsed.find_all(exp.Table)}
    names = set()
    for node in parsed.walk():
        counts_rows = isinstance(node, exp.Star) and isinstance(node.parent, exp.Count)
        if not (counts_rows or isinstance(node, _plain_nodes())):
            return None
        if isinstance(node, exp.Column):
            names.add(node.name.lower())
    return None if names & rows else frozenset(names)  # the name of a table is a whole row


@cache
def _plain_nodes() -> tuple[type[exp.Expr], ...]:
    """Nodes that read no columns but those that are named."""
    from sqlglot import exp

    clauses = (exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered)
    names = (exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier)
    values = (exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType, exp.Paren, exp.Tuple)
    operators = (exp.Binary, exp.Not, exp.Neg, exp.Between, exp.In, exp.Case, exp.If)
    functions = (exp.AggFunc, exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Coalesce, exp.Anonymous)
    return (*clauses, exp.Limit, exp.Distinct, *names, *values, *operators, *functions)


def _refuse_node(node: exp.Expr) -> None:
    from sqlglot import exp

    if isinstance(node, exp.Func):
        _refuse_function(node)
    elif isinstance(
        node,
        # what writes, sets or tells of something, wherever in the statement it stands
        exp.DDL
        | exp.DML
        | exp.Command
        | exp.Describe
        | exp.Summarize
        | exp.Into
        | exp.Lock
        | exp.Parameter
        | exp.Placeholder
        | exp.SessionParameter,
    ):
        raise SqlError(f"{(node.sql(_DIALECT) or node.key)[:60]!r} is not allowed here")


def _refuse_function(node: exp.Func) -> None:
    from sqlglot import exp

    names = [node.name] if isinstance(node, exp.Anonymous) else list(node.sql_names())
    found = {name.lower() for name in names}
    if isinstance(node, exp.Anonymous) and found <= TIME_FUNCTIONS:
        _check_times(node)
        return
    if isinstance(node, exp.Anonymous) and not found <= _pure_functions():
        raise SqlError(f"The function {node.name}() is not allowed here")
    if found & _REFUSED_FUNCTIONS:
        raise SqlError(f"The function {sorted(found)[0]}() is not allowed here")


def _check_times(node: exp.Anonymous) -> None:
    """Refuse a wrong time that is written out; the engine would notice it at the first row."""
    if node.name.lower() == "tai" and len(node.expressions) == 1 and node.expressions[0].is_string:
        try:
            parse_time(node.expressions[0].name)
        except TimeTextError as error:
            raise SqlError(str(error)) from None


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
            "('scalar', 'aggregate') AND NOT coalesce(has_side_effects, FALSE) "
            "AND NOT starts_with(function_name, '__')"
        ).fetchall()
    return frozenset(name for (name,) in rows) - _REFUSED_FUNCTIONS
