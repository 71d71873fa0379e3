"""What a record set was understood to mean."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.model.recordset import BoundSet, RecordSet, words_of
from drmsmirror.records import readable_sql
from drmsmirror.records.select import order_keys

__all__ = ["ExplainedSet", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class ExplainedSet:
    """One set of a query.

    Parameters
    ----------
    series : str
        Its canonical name.
    filters : tuple of str
        Each filter in words, with the slots and times that it means.
    versions : str
        Which versions of each record count.
    order : tuple of str
        Columns by which the records are ordered.
    segments : tuple of str, optional
        As they were written.
    sql : str
        The query that it becomes, for a person to read.
    """

    series: str
    filters: tuple[str, ...]
    versions: str
    order: tuple[str, ...]
    segments: tuple[str, ...] | None
    sql: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole query.

    Parameters
    ----------
    canonical : str
        The query in canonical form.
    sets : tuple of ExplainedSet
    """

    canonical: str
    sets: tuple[ExplainedSet, ...]


def explain(tree: RecordSet, sets: tuple[BoundSet, ...]) -> Explanation:
    """Explain a query that was parsed and bound."""
    return Explanation(str(tree), tuple(_explained(one) for one in sets))


def _explained(bound: BoundSet) -> ExplainedSet:
    return ExplainedSet(
        series=bound.series.name,
        filters=words_of(bound),
        versions="every version" if bound.all_versions else "the latest version of each record",
        order=order_keys(bound.series),
        segments=bound.segments,
        sql=readable_sql(bound),
    )
