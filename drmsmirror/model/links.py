"""Keywords that are read through links: their values belong to the records of other series."""

from __future__ import annotations

from drmsmirror.model.series import SeriesDefinition

__all__ = ["linked_columns"]


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
