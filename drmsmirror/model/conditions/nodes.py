"""The tree of a condition: constants, columns, calls, cases and sub-selects; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from drmsmirror.model.conditions.sqltypes import SqlType
from drmsmirror.model.series import SeriesDefinition

__all__ = [
    "Call",
    "Case",
    "Column",
    "Constant",
    "Node",
    "SubSelect",
    "columns_of",
    "sub_selects_of",
]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value; None is NULL."""

    value: bool | int | float | Decimal | str | None
    type: SqlType


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the series, by its name in the record table."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function.

    Parameters
    ----------
    name : str
        One of those that the engine prints; see ``records.conditions``.
    arguments : tuple of Node
        Already of the types that it works on.
    type : SqlType
        Of the result.
    """

    name: str
    arguments: tuple[Node, ...]
    type: SqlType


@dataclass(frozen=True, slots=True)
class Case:
    """``CASE WHEN ... THEN ... ELSE ... END``: pairs of condition and value, and what else."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node
    type: SqlType


@dataclass(frozen=True, slots=True)
class SubSelect:
    """An uncorrelated sub-select over every version of the records of one series.

    Parameters
    ----------
    series : SeriesDefinition
    value : Node
        What is selected.
    where : Node, optional
    groups : tuple of Node
    distinct : bool
    is_scalar : bool
        Whether it is used as a value, so that it must give one row at most.
    """

    series: SeriesDefinition
    value: Node
    where: Node | None
    groups: tuple[Node, ...]
    distinct: bool
    is_scalar: bool

    @property
    def type(self) -> SqlType:
        """Type of what is selected."""
        return self.value.type


Node = Constant | Column | Call | Case | SubSelect


def columns_of(node: Node) -> frozenset[str]:
    """Columns of the condition's own series that a tree reads."""
    return frozenset(found.name for found in walk(node) if isinstance(found, Column))


def sub_selects_of(node: Node) -> tuple[SubSelect, ...]:
    """The sub-selects in a tree, those in sub-selects too."""
    found: list[SubSelect] = []
    for one in walk(node):
        if isinstance(one, SubSelect):
            found.append(one)
            for inner in (one.value, one.where, *one.groups):
                found += sub_selects_of(inner) if inner is not None else ()
    return tuple(found)


def walk(node: Node) -> Iterator[Node]:
    """A node and those below it; what is inside a sub-select is another series' business."""
    yield node
    children: tuple[Node, ...] = ()
    if isinstance(node, Call):
        children = node.arguments
    elif isinstance(node, Case):
        children = (*(part for branch in node.branches for part in branch), node.otherwise)
    for child in children:
        yield from walk(child)
