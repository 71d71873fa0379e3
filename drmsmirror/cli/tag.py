"""``drmsmirror tag``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    open_mirror,
    read_settings,
    table,
    talk,
)

__all__ = ["command"]


@click.command("tag")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--at",
    metavar="MOMENT",
    help="A time in UTC, the number of a run, or another tag. [default: now]",
)
@click.option("--note", metavar="TEXT", default="", help="What it is for.")
@click.option("--list", "lists", is_flag=True, help="List the tags.")
@click.option("--drop", "drops", is_flag=True, help="Forget the tag; nothing else is touched.")
@mirror_options
@json_option
def command(
    name: str | None,
    at: str | None,
    note: str,
    lists: bool,
    drops: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Give a moment the name NAME, which query --as-of and diff --since take; list and drop names.

    What the mirror held at the moment can be asked for as long as the records are kept, by its name
    or otherwise; the name is kept until it is dropped.

    \b
    Examples:
      drmsmirror tag paper-2026 --note 'figures 1 to 3'
      drmsmirror tag before-upgrade --at 2026-11-01T12:00
      drmsmirror tag --list
      drmsmirror tag --drop paper-2026
    """
    if lists == (name is not None) or (drops and (at is not None or note)):
        raise click.UsageError("Give one NAME, with --drop or with --at and --note; or --list")
    settings = read_settings(mirror, config, verbose)
    with open_mirror(settings) as opened:
        catalogue = opened.catalogue
        if drops:
            catalogue.tags.drop(str(name))
        found = (
            catalogue.tags.all()
            if name is None or drops
            else (catalogue.tags.make(name, catalogue.moments.find(at), note),)
        )
    if as_json_:
        as_json(found if lists or drops else found[0])
    elif drops:
        talk(f"There is no tag {name} any more")
    elif not lists:
        talk(
            f"{name} is {found[0].moment_utc:%Y-%m-%d %H:%M:%S} UTC, after run {found[0].run}. "
            f"Ask as of then with --as-of {name}"
        )
    elif found:
        rows = [
            (tag.name, f"{tag.moment_utc:%Y-%m-%d %H:%M:%S}", tag.run, tag.note) for tag in found
        ]
        click.echo(table(("name", "moment (UTC)", "run", "note"), rows))
    else:
        talk("There are no tags yet. Make one with\n  drmsmirror tag NAME")
