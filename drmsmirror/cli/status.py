"""``drmsmirror status``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    open_mirror,
    read_settings,
    size,
    table,
    talk,
)

__all__ = ["command"]

#: Parts of a series that are shown: questions leave many small ones.
_MOST_PARTS = 20


@click.command("status")
@mirror_options
@json_option
def command(mirror: str | None, config: str | None, verbose: bool, as_json_: bool) -> None:
    """Say what the mirror holds: of each series the rows, their extent, and as of when.

    Then how many answers it keeps besides, and whether the upstream is left alone.

    \b
    Example:
      drmsmirror status
    """
    from drmsmirror.client.holdings import holdings

    settings = read_settings(mirror, config, verbose)
    with open_mirror(settings) as opened:
        held = holdings(opened)
        answers, answer_bytes = opened.catalogue.kept_answers()
        health = opened.catalogue.health(settings.upstream.url)
        now = opened.catalogue.database.clock()
    if as_json_:
        kept = {"count": answers, "bytes": answer_bytes}
        upstream = {"url": settings.upstream.url, "health": health}
        as_json(
            {"mirror": str(settings.mirror), "series": held, "answers": kept, "upstream": upstream}
        )
        return
    if not held and not answers:
        talk("The mirror is empty. Bring something in:\n  drmsmirror sync 'hmi.sharp_720s[4315]'")
    for series in held:
        click.echo(
            f"{series.name}: {series.rows:,} rows, {size(series.bytes)} in {series.files} files"
        )
        rows = [
            (
                f"  {part.low}",
                part.high,
                part.values or "all",
                f"{part.as_of_utc:%Y-%m-%d %H:%M} UTC",
            )
            for part in series.parts[:_MOST_PARTS]
        ]
        click.echo(table(["  held from", "to before", "values", "as of"], rows))
        if len(series.parts) > _MOST_PARTS:
            click.echo(f"  and {len(series.parts) - _MOST_PARTS} more parts, all in --json")
    if answers:
        click.echo(f"Answers kept of other questions: {answers:,}, {size(answer_bytes)}")
    if health.until_utc is not None and health.until_utc > now:
        click.echo(
            f"{settings.upstream.url} is left alone until {health.until_utc:%Y-%m-%d %H:%M:%S} "
            f"UTC: {health.reason}"
        )
