"""``drmsmirror info``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
    table,
)

__all__ = ["command"]


@click.command("info")
@click.argument("series", metavar="SERIES")
@offline_option
@mirror_options
@json_option
def command(
    series: str,
    offline: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Say what SERIES is: prime keys, keywords with types and units, segments, links.

    A record set says which series as well.

    \b
    Example:
      drmsmirror info hmi.sharp_720s
    """
    from drmsmirror.client import Client

    settings = read_settings(mirror, config, verbose)
    with Client(settings, policy="offline" if offline else "auto") as client:
        if as_json_:
            as_json(client.struct(series))
            return
        definition = client.definition(series)
    click.echo(f"{definition.name}: {definition.note}")
    click.echo(f"Prime keys: {', '.join(definition.prime_keys) or 'none (records go by number)'}")
    keywords = [(k.name, str(k.type), str(k.scope), k.units, k.note) for k in definition.keywords]
    click.echo(f"\n{len(keywords)} keywords")
    click.echo(table(["name", "type", "class", "units", "note"], keywords))
    for title, columns, entries in (
        ("segments", ["name", "type", "units", "protocol", "dims", "note"], definition.segments),
        ("links", ["name", "target", "kind", "note"], definition.links),
    ):
        if entries:
            rows = [[getattr(entry, column) for column in columns] for entry in entries]
            click.echo(f"\n{len(rows)} {title}\n{table(columns, rows)}")
