"""The columns that a condition can name: those of DRMS's own table (record sets, rule 37)."""

from __future__ import annotations

import difflib
import re
from typing import Final

from drmsmirror.model.conditions.nodes import Column
from drmsmirror.model.conditions.sqltypes import COLUMN_TYPES, RECORD_NUMBERS
from drmsmirror.model.conditions.text import Source
from drmsmirror.model.series import SeriesDefinition

__all__ = ["column_of"]

#: Columns of DRMS's table that record tables do not hold.
_NOT_HELD: Final = re.compile(r"sessionid|sessionns|ln_\w+|sg_\d{3}_\w+")


def column_of(definition: SeriesDefinition, name: str, source: Source, place: int) -> Column:
    """Find a column by its name, in any case.

    Raises
    ------
    NotUnderstoodError
        DRMS has the column and record tables have not.
    RecordSetError
        There is no such column; the message says what the name is instead.
    """
    wanted = name.lower()
    if wanted in RECORD_NUMBERS:
        return Column(wanted, RECORD_NUMBERS[wanted])
    columns = {
        column.name: column
        for column in definition.columns
        if column.keyword.link is None  # DRMS follows links only when it prints
    }
    if wanted in columns:
        return Column(wanted, COLUMN_TYPES[columns[wanted].type])
    if _NOT_HELD.fullmatch(wanted):
        raise source.not_local(f"The column {name}", place)
    keyword = definition.find(name)
    hint = None
    if keyword is None:
        problem = f"{definition.name} has no column {name}"
        if near := difflib.get_close_matches(wanted, columns, n=1):
            hint = f"Did you mean {columns[near[0]].key}?"
    elif keyword.link is not None:
        problem = f"{keyword.name} is read through a link: conditions cannot see it"
    elif keyword.is_constant:
        problem = f"{keyword.name} is a constant of the series: it has no column"
        hint = f"Its value is {keyword.default} in every record"
    else:
        problem = f"{keyword.name} has no column of its own"
        several = [one.name for one in columns.values() if one.keyword is keyword]
        hint = f"Its columns are {', '.join(several)}" if several else None
    raise source.error(problem, place, hint)
