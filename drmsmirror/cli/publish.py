"""``drmsmirror publish``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    duration,
    json_option,
    mirror_options,
    open_mirror,
    read_settings,
    talk,
)
from drmsmirror.cli.publishing import bar_on_terminal, told

if TYPE_CHECKING:
    from drmsmirror.settings import Settings

__all__ = ["command"]


@click.command("publish")
@click.argument("series", metavar="SERIES")
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="sqlite:///FILE, postgresql://USER@HOST/DATABASE or parquet:DIR; may be given several "
    "times. [default: those in the settings, publish.targets]",
)
@click.option(
    "--rebuild",
    is_flag=True,
    help="Remove what was published of SERIES there, and publish all of it anew.",
)
@mirror_options
@json_option
def command(
    series: str,
    targets: tuple[str, ...],
    rebuild: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Keep the records of SERIES current somewhere else, for psql, BI tools, Datasette or pandas.

    In PostgreSQL they become a table named as in DRMS (hmi.sharp_720s), in SQLite one named
    hmi__sharp_720s, with DRMS's master tables beside it; parquet:DIR makes a data set with a README
    and a citation. The latest version of each record is there, missing values are null. The first
    time all is written, later only what changed.

    \b
    Examples:
      drmsmirror publish hmi.sharp_720s --to sqlite:///sharp.db
      drmsmirror publish hmi.sharp_720s --to postgresql://me@dbhost/solar
      drmsmirror publish hmi.sharp_720s --to parquet:/data/published
    """
    from drmsmirror.publish import publish

    settings = read_settings(mirror, config, verbose)
    chosen = targets or _configured(settings, series)
    done = []
    with open_mirror(settings) as opened:
        for target in chosen:
            with bar_on_terminal() as reporter:
                done.append(publish(opened, series, target, rebuild=rebuild, reporter=reporter))
            talk(f"{told(done[-1])} ({duration(done[-1].seconds)})")
    if as_json_:
        as_json([asdict(one) for one in done])


def _configured(settings: Settings, series: str) -> tuple[str, ...]:
    from drmsmirror.publish import targets_of

    found = targets_of(settings, series)
    if not found:
        raise click.UsageError(
            f"Say where to publish {series}, with --to TARGET or in the settings, publish.targets"
        )
    return found
