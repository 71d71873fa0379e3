"""``drmsmirror status``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    counted,
    duration,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    spoken,
    table,
    talk,
)
from drmsmirror.cli.files import file_lines
from drmsmirror.cli.hosts import tell_of_file_system, tell_of_hosts

if TYPE_CHECKING:
    from datetime import datetime

    from drmsmirror.client.comparing import Comparison
    from drmsmirror.client.standing import Standing

__all__ = ["command"]

#: Parts of a series that are shown: questions leave many small ones.
_MOST_PARTS = 20


@click.command("status")
@mirror_options
@json_option
def command(mirror: str | None, config: str | None, verbose: bool, as_json_: bool) -> None:
    """Say what the mirror holds: of each series the rows, their extent, and as of when.

    And how the keeping of it stands: the newest record and how far behind now it is, the last run
    that did all it was to do, one that failed since, when the next is due, how much is left of
    what was asked for, and since when all of it was compared with the upstream, and how. Then
    how many files of records and answers it keeps besides, and whether the upstream is left alone.

    \b
    Example:
      drmsmirror status
    """
    from drmsmirror.client.holdings import file_shares, holdings
    from drmsmirror.sharing import breaker

    with opened_mirror(mirror, config, verbose) as opened:
        settings = opened.settings
        held = holdings(opened)
        wanted = opened.catalogue.subscriptions.all()
        answers, answer_bytes = opened.catalogue.answers.totals()
        shares = file_shares(opened)
        tell_of_hosts(opened)
        tell_of_file_system(opened)
        health = opened.catalogue.upstreams.health(settings.upstream.url)
        now = opened.catalogue.database.clock()
    if as_json_:
        kept = {"count": answers, "bytes": answer_bytes}
        upstream = {"url": settings.upstream.url, "health": health}
        as_json(
            {
                "mirror": str(settings.mirror),
                "series": held,
                "files": shares,
                "answers": kept,
                "upstream": upstream,
            }
        )
        return
    if not held and wanted:
        talk("Nothing is held of what is subscribed to. Bring it in:\n  drmsmirror sync --all")
    elif not held and not answers:
        talk("The mirror is empty. Bring something in:\n  drmsmirror sync 'hmi.sharp_720s[4315]'")
    for series in held:
        click.echo(
            f"{series.name}: {counted(series.rows, 'row')}, "
            f"{size(series.bytes)} in {counted(series.files, 'file')}"
        )
        for line in _standing(series.standing):
            click.echo(f"  {line}")
        for line in chain.from_iterable(map(_compared, series.standing.compared)):
            click.echo(f"  {line}")
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
    for line in file_lines(shares):
        click.echo(spoken(line))
    if answers:
        click.echo(f"Answers kept of other questions: {answers:,}, {size(answer_bytes)}")
    if breaker.state(health, now) is breaker.State.OPEN:
        click.echo(
            f"{settings.upstream.url} is left alone until {health.until_utc:%Y-%m-%d %H:%M:%S} "
            f"UTC: {health.reason}"
        )


def _standing(standing: Standing) -> Iterator[str]:
    """How the keeping of a series stands, line by line."""
    if standing.newest is not None:
        behind = standing.behind_seconds
        yield f"newest: {standing.newest}" + (
            f", {duration(behind)} behind now" if behind is not None else ""
        )
    moments = [
        f"{what} {_utc(moment)}"
        for what, moment in (
            ("last success", standing.last_success_utc),
            ("next run", standing.next_run_utc),
        )
        if moment is not None
    ]
    if moments:
        yield "; ".join(moments)
    if standing.last_failure_utc is not None:
        reason = (standing.last_failure or "").partition("\n")[0]
        yield f"failed since, {_utc(standing.last_failure_utc)}: {reason}"
    if standing.share_held is not None and standing.share_held < 1:
        left = standing.seconds_left
        yield f"{standing.share_held:.1%} of {standing.record_set} is held" + (
            f"; the rest takes about {duration(left)} more of syncing" if left is not None else ""
        )


def _compared(one: Comparison) -> Iterator[str]:
    """How far a record set was compared with the upstream, and what to do about it."""
    keys = ", ".join("record number" if key == "*recnum*" else key for key in one.keys)
    if one.since_utc is None:
        said = f"{one.record_set} was not compared with the upstream as a whole yet"
    elif one.depth == "read":
        said = f"all of {one.record_set} was read since {_utc(one.since_utc)}"
    else:
        how = f"by {keys}" if one.depth == "telling" else "read whole"
        said = f"all of {one.record_set} was compared since {_utc(one.since_utc)}, {how}"
    if one.reconcile is None:
        said += "; nobody subscribes to it any more"
    elif one.reconcile == "off":
        said += "; it is not compared (reconcile off)"
    if one.share is not None:
        said += f"; the present pass is {one.share:.0%} through"
        if one.comes_round_utc is not None:
            said += f", and round about {one.comes_round_utc:%Y-%m-%d}"
    yield said
    for links in one.outdated_links:
        yield spoken(
            f"keywords that it reads through links to {links.target}, which changed "
            f"{_utc(links.changed_utc)}, may be older: {links.remedy}"
        )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
