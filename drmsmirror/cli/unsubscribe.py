"""``drmsmirror unsubscribe``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    opened_mirror,
    talk,
)

__all__ = ["command"]


@click.command("unsubscribe")
@click.argument("name", metavar="RECORDSET|ID")
@mirror_options
@json_option
def command(
    name: str, mirror: str | None, config: str | None, verbose: bool, as_json_: bool
) -> None:
    """End a subscription, named by its record set or by the number that subscriptions shows.

    What is held stays.

    \b
    Examples:
      drmsmirror unsubscribe 'hmi.M_720s[2014.01.01_TAI/365d]'
      drmsmirror unsubscribe 3
    """
    from drmsmirror.cli.showing import stored_plain
    from drmsmirror.sync import subscription_named

    with opened_mirror(mirror, config, verbose) as opened:
        gone = opened.catalogue.subscriptions.remove(subscription_named(opened, name).id)
        opened.publish()
    if as_json_:
        as_json(stored_plain(gone))
    talk(f"Unsubscribed from {gone.subscription.record_set}; what is held stays.")
