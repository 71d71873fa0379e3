"""``drmsmirror db``: look after the catalogue."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    open_mirror,
    opened_mirror,
    read_settings,
    talk,
)

if TYPE_CHECKING:
    from drmsmirror.settings import Settings

__all__ = ["command"]


@click.group("db")
def command() -> None:
    """Look after the catalogue, the mirror's database of what it holds.

    \b
    Example:
      drmsmirror db backup before-upgrade.sqlite
    """


@command.command("upgrade")
@mirror_options
def upgrade(mirror: str | None, config: str | None, verbose: bool) -> None:
    """Bring the catalogue to the schema of this version of drmsmirror.

    \b
    Example:
      drmsmirror db upgrade
    """
    from drmsmirror.catalogue import Catalogue
    from drmsmirror.mirror import catalogue_to_write

    settings = read_settings(mirror, config, verbose)
    before, after = Catalogue.upgrade(catalogue_to_write(settings))
    _publish(settings)
    talk(
        f"The catalogue was at {before}, now at {after}."
        if before != after
        else f"The catalogue is at {after}: nothing to do."
    )


@command.command("current")
@mirror_options
@json_option
def current(mirror: str | None, config: str | None, verbose: bool, as_json_: bool) -> None:
    """Say which schema the catalogue has, and which this version knows.

    \b
    Example:
      drmsmirror db current
    """
    from drmsmirror.catalogue import REVISIONS, Catalogue
    from drmsmirror.mirror import catalogue_to_read

    place = catalogue_to_read(read_settings(mirror, config, verbose))
    version = Catalogue.current(place)
    if as_json_:
        as_json({"current": version, "newest": REVISIONS[-1]})
    else:
        click.echo(f"{version} (this version of drmsmirror knows up to {REVISIONS[-1]})")


@command.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
@mirror_options
def backup(
    file: Path, overwrite: bool, mirror: str | None, config: str | None, verbose: bool
) -> None:
    """Write a consistent copy of the catalogue to FILE, while others work with it.

    \b
    Example:
      drmsmirror db backup before-upgrade.sqlite
    """
    with opened_mirror(mirror, config, verbose) as opened:
        opened.catalogue.backup(file, overwrite=overwrite)
    talk(
        f"The catalogue is backed up in {file}. Bring it back with\n"
        f"  drmsmirror db restore {shlex.quote(str(file))}"
    )


@command.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@mirror_options
def restore(file: Path, mirror: str | None, config: str | None, verbose: bool) -> None:
    """Make the backup in FILE the catalogue; the one that it replaces is kept beside it.

    \b
    Example:
      drmsmirror db restore before-upgrade.sqlite
    """
    from drmsmirror.catalogue import Catalogue
    from drmsmirror.mirror import catalogue_to_write

    settings = read_settings(mirror, config, verbose)
    kept = Catalogue.restore(catalogue_to_write(settings), file)
    _publish(settings)
    talk(
        f"The catalogue is that of {file}."
        + (f" The one before is kept as {kept}." if kept else "")
    )


def _publish(settings: Settings) -> None:
    """Replace the copy that others read: it is of the catalogue as it was."""
    with open_mirror(settings) as opened:
        opened.publish()
