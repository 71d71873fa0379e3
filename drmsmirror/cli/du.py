"""``drmsmirror du``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    table,
    talk,
)
from drmsmirror.cli.files import file_lines

if TYPE_CHECKING:
    from drmsmirror.upkeep import Room

__all__ = ["command"]


@click.command("du")
@click.argument("series", metavar="SERIES", required=False)
@mirror_options
@json_option
def command(
    series: str | None, mirror: str | None, config: str | None, verbose: bool, as_json_: bool
) -> None:
    """Say what the mirror takes on disk, by series and kind, and what of it could be freed.

    \b
    Examples:
      drmsmirror du
      drmsmirror du hmi.sharp_720s
    """
    from drmsmirror.upkeep import usage

    with opened_mirror(mirror, config, verbose) as opened:
        found = usage(opened, series)
    if as_json_:
        as_json(
            {
                "rooms": found.rooms,
                "bytes": found.bytes,
                "free_now": found.free_now,
                "files_of_records": found.shares,
            }
        )
        return
    columns = ("series", "what", "files", "size", "free now", "free later")
    click.echo(table(columns, [_row(room) for room in found.rooms]))
    talk(f"{size(found.bytes)} in all.")
    if found.shares is not None:
        for line in file_lines(found.shares):
            talk(line)
    if found.free_now:
        talk(f"`drmsmirror maintain` frees {size(found.free_now)} now.")


def _row(room: Room) -> tuple[object, ...]:
    later = ""
    if room.free_later and room.later_utc is not None:
        later = f"{size(room.free_later)} by {room.later_utc:%Y-%m-%d %H:%M} UTC"
    free_now = size(room.free_now) if room.free_now else ""
    return room.series, room.kind, room.files, size(room.bytes), free_now, later
