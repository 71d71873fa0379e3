"""What can be brought in: parts of a series that prime keys cut out."""

from __future__ import annotations

from drmsmirror.errors import QueryError
from drmsmirror.model.recordset import BoundRecordSet, BoundSet

__all__ = ["refuse_what_is_no_part"]


def refuse_what_is_no_part(bound: BoundRecordSet) -> None:
    """Refuse a record set of which it cannot be said where on the axis its records lie.

    Raises
    ------
    QueryError
        It has a condition in SQL, a first or last value, or record numbers.
    """
    for wanted in bound.sets:
        problem = _problem(wanted)
        if problem:
            raise QueryError(
                f"{bound.text} has {problem}: what is held is counted by prime keys. Leave it out "
                f"here, and give it to drmsmirror query"
            )


def _problem(wanted: BoundSet) -> str | None:
    if wanted.sql:
        return f"the condition [? {wanted.sql[0].text} ?]"
    if wanted.searched is not wanted:
        return "a first or last value, ^ or $"
    if any(one.column == "recnum" for one in wanted.conditions):
        return "record numbers, [:#...]"
    return None
