"""Which columns of a record table answer the keys of a question.

Source: DRMS semantics 4.2.4 (special keys).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drmsmirror.model.codecs import INVALID_KEY
from drmsmirror.model.series import Column, SeriesDefinition

__all__ = [
    "ALL_KEYS",
    "NO_KEYS",
    "NUMBER_COLUMNS",
    "KeyPlan",
    "column_of",
    "constant_text",
    "plan_keys",
]

ALL_KEYS = "**ALL**"
NO_KEYS = "**NONE**"

#: Special keys that are columns of the record table; their values are JSON numbers.
NUMBER_COLUMNS = {"*recnum*": "recnum", "*sunum*": "sunum"}

#: Special keys whose answer is in the server's storage and not in the records.
_STORAGE_KEYS = frozenset(
    {"*size*", "*online*", "*retain*", "*archive*", "*recdir*", "*dirmtime*", "*logdir*", "*spec*"}
)


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """How the keys of one question are answered from stored columns.

    Parameters
    ----------
    definition : SeriesDefinition
    keys : tuple of str
        Names as they were asked for, ``**ALL**`` already spelled out.
    columns : tuple of str
        Columns of the record table that must be read, ``_text`` last.
    not_held : tuple of str
        Keys that DRMS could answer and record tables cannot.
    unknown : tuple of str
        Keys that the definition does not know.
    """

    definition: SeriesDefinition
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    not_held: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def plan_keys(definition: SeriesDefinition, keys: Sequence[str]) -> KeyPlan:
    """Find out which columns answer a list of keys.

    Parameters
    ----------
    keys : sequence of str
        Keyword names in any case, ``KEY[0]``, ``**ALL**``, ``**NONE**``, ``*recnum*``,
        ``*sunum*``; an unknown one is answered as DRMS does, with ``Invalid KeyLink``.
    """
    spelled = tuple(name for key in keys for name in _spell_out(definition, key))
    columns: dict[str, None] = {}
    not_held = []
    unknown = []
    for key in spelled:
        column = column_of(definition, key)
        if key in NUMBER_COLUMNS:
            columns[NUMBER_COLUMNS[key]] = None
        elif column is not None:
            columns[column.name] = None
        elif key in _STORAGE_KEYS or _is_unread(definition, key):
            not_held.append(key)
        elif definition.find(key) is None:
            unknown.append(key)
    return KeyPlan(definition, spelled, (*columns, "_text"), tuple(not_held), tuple(unknown))


def _spell_out(definition: SeriesDefinition, key: str) -> Sequence[str]:
    if key == NO_KEYS:
        return ()
    if key != ALL_KEYS:
        return (key,)
    names: list[str] = []
    for keyword in definition.keywords:
        if definition.is_implicit(keyword):
            continue
        columns = [c for c in definition.columns if c.keyword is keyword and c.key != keyword.name]
        names.extend([column.name.upper() for column in columns] or [keyword.name])
    return names


def column_of(definition: SeriesDefinition, key: str) -> Column | None:
    """The column that holds a key, which may be another name of its keyword; None for no column."""
    found = definition.column(key)
    if found is None and (keyword := definition.find(key)) is not None and keyword.alias_of:
        return definition.column(keyword.alias_of)
    return found


def _is_unread(definition: SeriesDefinition, key: str) -> bool:
    """Whether the series has the keyword but record tables do not hold it."""
    keyword = definition.find(key)
    return keyword is not None and not keyword.is_constant


def constant_text(definition: SeriesDefinition, key: str) -> str:
    """What a key prints that has no column: the same for every record."""
    keyword = definition.find(key)
    return keyword.default if keyword is not None and keyword.is_constant else INVALID_KEY
