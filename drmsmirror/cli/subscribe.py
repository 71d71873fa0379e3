"""``drmsmirror subscribe``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from drmsmirror.cli.common import (
    as_json,
    duration_option,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
    talk,
)

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["command"]


@click.command("subscribe")
@click.argument("record_set", metavar="RECORDSET")
@click.option("-k", "--key", metavar="KEYS", help="Keywords, separated by commas; '' for all.")
@click.option(
    "--seg", metavar="NAMES", help="Segments to prefetch, separated by commas; '' for none."
)
@click.option(
    "--schedule",
    metavar="CRON",
    help="When, in cron's five fields, in UTC; '' for never by itself.",
)
@duration_option(
    "--lag",
    metavar="TIME",
    help="How far back to read again where the upstream has no record numbers: 12h, 7d.",
)
@click.option(
    "--priority",
    type=int,
    metavar="N",
    help="Of several the one with the larger number comes first. [default: 0]",
)
@click.option(
    "--precision",
    type=click.Choice(["text", "full"]),
    help="Values as the upstream prints them, or with all their digits. [default: text]",
)
@click.option(
    "--reconcile",
    type=click.Choice(["counts+rotation", "full", "off"]),
    help="How to compare what is held with the upstream. [default: counts+rotation]",
)
@offline_option
@mirror_options
@json_option
def command(
    record_set: str,
    key: str | None,
    seg: str | None,
    schedule: str | None,
    lag: timedelta | None,
    priority: int | None,
    precision: str | None,
    reconcile: str | None,
    offline: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Say that the records of RECORDSET are to be kept, and how.

    Where there is a subscription to RECORDSET already, what is given here is changed in it, and the
    rest stays. Nothing is fetched: that is what sync does.

    \b
    Examples:
      drmsmirror subscribe hmi.sharp_720s --schedule '17 3 * * *'
      drmsmirror subscribe 'hmi.M_720s[2014.01.01_TAI/365d]' --seg magnetogram --priority 5
      drmsmirror subscribe 'aia.lev1_euv_12s[2024.05.01_TAI/30d@1h]' --reconcile full
    """
    from drmsmirror.cli.showing import lies_within, stored_plain
    from drmsmirror.mirror import Mirror
    from drmsmirror.model.subscription import Precision, Reconcile
    from drmsmirror.sharing import open_upstream
    from drmsmirror.sync import subscribe, subscription_beyond

    terms: dict[str, Any] = {}
    if key is not None:
        terms["keys"] = key.split(",") if key else None
    if seg is not None:
        terms["segments"] = seg.split(",")
    if schedule is not None:
        terms["schedule"] = schedule or None
    if lag is not None:
        terms["lag"] = lag
    if priority is not None:
        terms["priority"] = priority
    if precision is not None:
        terms["precision"] = Precision(precision)
    if reconcile is not None:
        terms["reconcile"] = Reconcile(reconcile)
    settings = read_settings(mirror, config, verbose)
    with Mirror.open_or_create(settings, announce=talk) as opened:
        upstream = None if offline else open_upstream(opened)
        stored, is_new = subscribe(opened, upstream, record_set, terms)
        others = [other.subscription for other in opened.catalogue.subscriptions.all()]
        wanted = stored.subscription
        beyond = subscription_beyond(opened, upstream, wanted, others) if is_new else None
        opened.publish()
    if as_json_:
        as_json(stored_plain(stored))
    name = wanted.record_set
    if is_new:
        talk(f"Subscribed to {name}, number {stored.id}. To bring it in:")
        talk(f"  drmsmirror sync {shlex.quote(name)}")
        if beyond is not None:
            talk(lies_within("It", beyond))
    else:
        talk(f"Changed the subscription to {name}, number {stored.id}.")
