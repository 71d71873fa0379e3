"""``drmsmirror gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    counted,
    duration_option,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    size_option,
    talk,
)
from drmsmirror.cli.hosts import tell_of_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from drmsmirror.segments.clearing import Cleared

__all__ = ["command"]


@click.command("gc")
@duration_option(
    "--older-than", metavar="TIME", help="Let files go that nobody used for so long: 30d, 12h."
)
@size_option(
    "--max-size",
    metavar="SIZE",
    help="Let files go until all take no more than this: 500G, 1.5T. [default: segments.max_gib]",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@mirror_options
@json_option
def command(
    older_than: timedelta | None,
    max_size: int | None,
    dry_run: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Make room: let files of records go that nobody used lately, longest unused first.

    Keywords stay. What is pinned stays, and what somebody was given in the last hours
    (segments.keep_hours). What killed processes left goes too. A file that went is fetched again
    when it is wanted.

    \b
    Examples:
      drmsmirror gc --older-than 30d
      drmsmirror gc --max-size 500G --dry-run
    """
    from drmsmirror.segments.clearing import clear

    with opened_mirror(mirror, config, verbose) as opened:
        tell_of_hosts(opened)
        cleared = clear(opened, unused_for=older_than, most_bytes=max_size, dry_run=dry_run)
    if as_json_:
        as_json(cleared)
    for line in _told(cleared, "would go" if dry_run else "went"):
        talk(line)
    left = cleared.stay.total.size_bytes
    if max_size is not None and not dry_run and left > max_size:
        talk(f"{size(left)} are left, more than {size(max_size)}.")


def _told(cleared: Cleared, went: str) -> Iterator[str]:
    yield f"{counted(cleared.freed.objects, 'file')} {went}, {size(cleared.freed.size_bytes)}."
    if cleared.unfinished:
        unfinished = counted(cleared.unfinished, "file")
        yield f"{unfinished} {went} that a killed process had begun to remove."
    if cleared.leftovers.objects:
        left = cleared.leftovers
        files = counted(left.objects, "file")
        yield f"{files} of broken-off downloads {went}, {size(left.size_bytes)}."
    for what, share in (
        ("pinned", cleared.stay.pinned),
        (f"used in the last {cleared.keep_hours:g} hours", cleared.stay.in_use),
    ):
        if share.objects:
            files, verb = counted(share.objects, "file"), "is" if share.objects == 1 else "are"
            yield f"{files}, {size(share.size_bytes)}, {verb} {what} and cannot go."
