"""Keywords that are read through links: their values belong to the records of other series."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drmsmirror.model.series import Keyword, SeriesDefinition

__all__ = ["linked_columns", "sources_of"]


def linked_columns(definition: SeriesDefinition) -> dict[str, str]:
    """The series from which a keyword comes that is read through a link, by column.

    Its name is as the series spells it; a link that the definition does not list leads nowhere.
    """
    targets = {link.name.lower(): link.target for link in definition.links}
    return {
        column.name: target
        for column in definition.columns
        if column.keyword.link is not None
        and (target := targets.get(column.keyword.link.link.lower()))
    }


def sources_of(
    definition: SeriesDefinition, known: Callable[[str], SeriesDefinition | None]
) -> dict[str, frozenset[str]]:
    """All series on the way to the value of each column that is read through links.

    A link can lead to a keyword that is read through a link itself.

    Parameters
    ----------
    definition : SeriesDefinition
    known : callable
        Gives the definition of a series; None where it is not known: there the way is lost.
    """
    return {
        column.name: frozenset(_way(definition, column.keyword, known))
        for column in definition.columns
        if column.name in linked_columns(definition)
    }


def _way(
    definition: SeriesDefinition,
    keyword: Keyword | None,
    known: Callable[[str], SeriesDefinition | None],
) -> Iterator[str]:
    passed: set[str] = set()
    at: SeriesDefinition | None = definition
    while at is not None and keyword is not None and keyword.link is not None:
        targets = {link.name.lower(): link.target for link in at.links}
        target = targets.get(keyword.link.link.lower())
        if not target or target.lower() in passed:
            return
        yield target
        passed.add(target.lower())
        at = known(target)
        keyword = None if at is None else at.find(keyword.link.keyword)
