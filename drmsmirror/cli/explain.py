"""``drmsmirror explain``."""

from __future__ import annotations

from dataclasses import asdict

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
)

__all__ = ["command"]


@click.command("explain")
@click.argument("record_set", metavar="RECORDSET")
@offline_option
@mirror_options
@json_option
def command(
    record_set: str,
    offline: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Say what RECORDSET means: its filters in words, slots and times, and the SQL it becomes.

    No record is read and none is fetched.

    \b
    Example:
      drmsmirror explain 'hmi.sharp_720s[4315][2014.07.05/1d@1h][? QUALITY < 65536 ?]'
    """
    from drmsmirror.client import Client

    settings = read_settings(mirror, config, verbose)
    with Client(settings, policy="offline" if offline else "auto") as client:
        explanation = client.explain(record_set)
    if as_json_:
        as_json(asdict(explanation))
        return
    click.echo(f"Read as: {explanation.canonical}")
    for one in explanation.sets:
        click.echo(f"\n{one.series}: {one.versions}, in the order of {', '.join(one.order)}")
        for line in one.filters or ("all records",):
            click.echo(f"  {line}")
        if one.segments is not None:
            click.echo(f"  segments: {', '.join(one.segments) or 'none'}")
        click.echo("\n" + "\n".join(f"    {line}" for line in one.sql.splitlines()))
