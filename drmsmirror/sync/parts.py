"""What can be brought in, and kept current: parts of a series that stay the same parts."""

from __future__ import annotations

from drmsmirror.errors import QueryError
from drmsmirror.model.conditions import Call, sub_selects_of, walk
from drmsmirror.model.recordset import BoundRecordSet, BoundSet

__all__ = ["refuse_what_is_no_part"]

#: Name of the call that gives the present time.
_NOW = "now_epoch"


def refuse_what_is_no_part(bound: BoundRecordSet) -> None:
    """Refuse a record set of which it cannot be said for good what lies in it.

    Raises
    ------
    QueryError
        It has a first or last value, record numbers, superseded versions, or a condition that
        depends on other records or on the time of day.
    """
    for wanted in bound.sets:
        problem = _problem(wanted)
        if problem:
            raise QueryError(
                f"{bound.text} has {problem}: of that it cannot be said what is held. Leave it out "
                f"here, and give it to drmsmirror query"
            )


def _problem(wanted: BoundSet) -> str | None:
    for one in wanted.sql:
        if one.all_versions:
            return f"the condition [! {one.text} !] on superseded versions"
        if sub_selects_of(one.tree):
            return f"the condition [? {one.text} ?] on other records"
        if any(isinstance(node, Call) and node.name == _NOW for node in walk(one.tree)):
            return f"the condition [? {one.text} ?] on the time at which it is asked"
    if wanted.searched is not wanted:
        return "a first or last value, ^ or $"
    if any(one.column == "recnum" for one in wanted.conditions):
        return "record numbers, [:#...]"
    return None
