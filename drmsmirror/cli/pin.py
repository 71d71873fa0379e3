"""``drmsmirror pin``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
    talk,
)
from drmsmirror.cli.hosts import tell_of_hosts

__all__ = ["command"]


@click.command("pin")
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
    """Have the files of RECORDSET never go for others, whether they are there yet or not.

    Segments are named in braces; without them all are pinned. Records that come later are not
    pinned by it: pin the same record set again, which adds them.

    \b
    Examples:
      drmsmirror pin 'hmi.sharp_cea_720s[377][2011.02.14/2d]{Br,Bp,Bt}'
      drmsmirror pin 'hmi.M_720s[2014.01.01/1d]' --offline
    """
    from drmsmirror.client import Client
    from drmsmirror.client.pinning import pin

    settings = read_settings(mirror, config, verbose)
    with Client(settings, policy="offline" if offline else "auto") as client:
        tell_of_hosts(client.mirror)
        pinned = pin(client, record_set)
    if as_json_:
        as_json(pinned)
    talk(
        f"{pinned.record_set} pins {pinned.files:,} files, {pinned.added:,} of them since now; "
        f"{pinned.held:,} are there."
    )
