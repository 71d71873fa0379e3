"""``drmsmirror maintain``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    duration,
    duration_option,
    json_option,
    mirror_options,
    open_mirror,
    read_settings,
    size,
    talk,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from drmsmirror.upkeep import Done, Failed, Left, Maintenance

__all__ = ["command"]


@click.command("maintain")
@duration_option("--deadline", metavar="TIME", help="Begin no further step after so long: 90m, 5h.")
@click.option("--dry-run", is_flag=True, help="Say what is due, and do nothing.")
@mirror_options
@json_option
def command(
    deadline: timedelta | None,
    dry_run: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Do the upkeep that is due: few files of many, room freed, old rows forgotten.

    Every sync does what is due of its series at its end; this does all of it, of all series. A
    series that somebody works on is passed over.

    \b
    Examples:
      drmsmirror maintain
      drmsmirror maintain --deadline 1h
      drmsmirror maintain --dry-run
    """
    from drmsmirror.upkeep import maintain

    settings = read_settings(mirror, config, verbose)
    seconds = math.inf if deadline is None else deadline.total_seconds()
    with open_mirror(settings) as opened:
        told = maintain(
            opened, seconds=seconds, dry_run=dry_run, told=lambda done: talk(_done(done))
        )
    if as_json_:
        as_json(_plain(told))
    for left in told.left:
        talk(_left(left, dry_run=dry_run))
    if not (told.done or told.left or told.failed):
        talk("Nothing is due.")
    _raise_for_failures(told.failed)


def _done(done: Done) -> str:
    freed = f"; {size(done.bytes)} freed" if done.bytes else ""
    return f"{_place(done.series)}: {done.what} ({duration(done.seconds)}{freed})."


def _left(left: Left, *, dry_run: bool) -> str:
    frees = f", which would free {size(left.bytes)}" if left.bytes else ""
    why = "" if dry_run else f", left for the next time: {left.why}"
    return f"{_place(left.series)}: {left.what}{frees}{why}."


def _place(series: str) -> str:
    return series or "The mirror"


def _plain(told: Maintenance) -> dict[str, object]:
    return {
        "done": told.done,
        "left": told.left,
        "failed": [
            {"series": one.series, "error": one.error.code, "message": str(one.error)}
            for one in told.failed
        ],
    }


def _raise_for_failures(failed: tuple[Failed, ...]) -> None:
    from drmsmirror.errors import PartialError

    if failed:
        lines = "\n".join(f"  {_place(one.series)}: {one.error}" for one in failed)
        raise PartialError(f"The upkeep was not possible everywhere:\n{lines}")
