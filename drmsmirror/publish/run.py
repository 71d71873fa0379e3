"""Publish one series: find out what the target has of it, and bring that up to date."""

from __future__ import annotations

from drmsmirror.catalogue.place import Place
from drmsmirror.mirror import Mirror
from drmsmirror.publish.address import read_address, refuse_inside
from drmsmirror.publish.intodatabase import publish_to_database
from drmsmirror.publish.intodirectory import publish_to_directory
from drmsmirror.publish.report import Publication, Reporter, SilentReporter
from drmsmirror.settings import Settings

__all__ = ["publish", "targets_of"]

#: In the settings: every series.
_EVERY = "*"


def publish(
    mirror: Mirror,
    series: str,
    target: str,
    *,
    rebuild: bool = False,
    reporter: Reporter | None = None,
) -> Publication:
    """Bring what a target has of a series to what the mirror holds of it.

    Parameters
    ----------
    mirror : Mirror
    series : str
        In any case.
    target : str
        ``sqlite:///file.db``, ``postgresql://user@host/database`` or ``parquet:DIR``.
    rebuild : bool
        Whether a table that is there of the series is removed and made again.
    reporter : Reporter, optional
        Hears how far it has come.

    Raises
    ------
    SettingsError
        The target is no such address, or inside the mirror.
    UnknownSeriesError, NotHeldError, IntegrityError
        The mirror does not hold the series, or cannot read it.
    DefinitionError
        The series no longer fits what was published.
    StoreError
        The target cannot be written, or holds something of that name that is not ours.
    LockedError
        Another process publishes there.
    """
    address = read_address(target)
    refuse_inside(address, mirror.root)
    mirror.table(mirror.catalogue.definition(series))  # before anything is made for nothing
    said = reporter or SilentReporter()
    if isinstance(address, Place):
        return publish_to_database(mirror, series, address, rebuild=rebuild, reporter=said)
    return publish_to_directory(mirror, series, address, rebuild=rebuild, reporter=said)


def targets_of(settings: Settings, series: str) -> tuple[str, ...]:
    """Where a series is published after each sync, as the settings say.

    Raises
    ------
    SettingsError
        One of them is no target.
    """
    found: dict[str, None] = {}
    for name, targets in settings.publish.targets.items():
        if name == _EVERY or name.lower() == series.lower():
            found |= dict.fromkeys(targets)
    for target in found:
        refuse_inside(read_address(target), settings.mirror)
    return tuple(found)
