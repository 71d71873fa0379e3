"""``drmsmirror drop``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    counted,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    talk,
)

if TYPE_CHECKING:
    from drmsmirror.upkeep import Dropped

__all__ = ["command"]


@click.command("drop")
@click.argument("record_set", metavar="RECORDSET")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before anything is removed.")
@click.option(
    "--unsubscribe", is_flag=True, help="End subscriptions to a whole series that is dropped."
)
@mirror_options
@json_option
def command(
    record_set: str,
    dry_run: bool,
    yes: bool,
    unsubscribe: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Remove what is held of RECORDSET, all versions, so that it is no longer held.

    Their files go too, unless they are pinned. A bare series means all of it. A part is cut out by
    values and ranges of prime keys. What was published to a database or as Parquet is not touched.

    \b
    Examples:
      drmsmirror drop hmi.sharp_720s --dry-run
      drmsmirror drop 'hmi.sharp_720s[377]' --yes
    """
    from drmsmirror.upkeep import drop, would_drop

    with opened_mirror(mirror, config, verbose) as opened:
        dropped = would_drop(opened, record_set, unsubscribe=unsubscribe)
        if not dry_run:
            if not (yes or _agreed(dropped)):
                talk("Nothing was dropped.")
                return
            dropped = drop(opened, record_set, unsubscribe=unsubscribe)
        tags = [tag.name for tag in opened.catalogue.tags.all()]
    if as_json_:
        as_json([asdict(one) for one in dropped])
    for one in dropped:
        talk(_told(one, "would go" if dry_run else "went"))
        talk(_afterwards(one))
    if tags and any(one.rows for one in dropped):
        talk(f"Questions --as-of {' or '.join(tags)} lack it from then on, and say so.")


def _agreed(dropped: tuple[Dropped, ...]) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError("Nothing was dropped: without a terminal give --yes, or --dry-run")
    for one in dropped:
        talk(_told(one, "would go"))
    return click.confirm("Drop it?", default=False, err=True)


def _told(one: Dropped, went: str) -> str:
    what = f"all of {one.series}" if one.whole else one.record_set
    parts = [f"{counted(one.rows, 'row')} of {what} {went}"]
    if one.bytes:
        parts.append(size(one.bytes))
    if one.files:
        parts.append(counted(one.files, "file"))
    if one.answers:
        parts.append(counted(one.answers, "kept answer"))
    if one.unsubscribed:
        parts.append(f"subscriptions to {', '.join(one.unsubscribed)}")
    return ", ".join(parts) + "."


def _afterwards(one: Dropped) -> str:
    lines = []
    if not one.whole and one.rows:
        lines.append("Their room is freed by `drmsmirror maintain` when nobody can still read it.")
    lines += [
        f"The subscription to {record_set} brings it, or a part of it, again; "
        f"`drmsmirror unsubscribe {shlex.quote(record_set)}` ends that."
        for record_set in one.comes_again
    ]
    if one.pinned_files:
        lines.append(
            f"{one.pinned_files:,} of its files are pinned and stay; see `drmsmirror pins`."
        )
    lines.append("What was published elsewhere is not touched.")
    return "\n".join(lines)
