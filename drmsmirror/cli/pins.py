"""``drmsmirror pins``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    opened_mirror,
    table,
    talk,
)

__all__ = ["command"]


@click.command("pins")
@mirror_options
@json_option
def command(mirror: str | None, config: str | None, verbose: bool, as_json_: bool) -> None:
    """List what is pinned: record sets as they were written, how many files, and since when.

    \b
    Example:
      drmsmirror pins
    """
    with opened_mirror(mirror, config, verbose) as opened:
        found = opened.catalogue.pins.all()
    if as_json_:
        as_json(found)
    elif found:
        rows = [(one.record_set, one.files, f"{one.made_utc:%Y-%m-%d %H:%M} UTC") for one in found]
        click.echo(table(("record set", "files", "since"), rows))
    else:
        talk("Nothing is pinned. Pin files with\n  drmsmirror pin 'hmi.M_720s[2014.01.01/1d]'")
