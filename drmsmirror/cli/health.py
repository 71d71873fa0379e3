"""``drmsmirror health``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    duration_option,
    json_option,
    mirror_options,
    read_settings,
)
from drmsmirror.errors import UnhealthyError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from drmsmirror.daemon.health import Health

__all__ = ["command"]


@click.command("health")
@duration_option(
    "--max-age",
    metavar="AGE",
    help="Each duty must have ended well within this time: 26h, 2d.",
)
@mirror_options
@json_option
def command(
    max_age: timedelta | None,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Say whether the daemon of the mirror is well: exit code 0, or 9 and why not.

    It is well where its process lives, was heard of lately and can reach the catalogue, and the
    disk is not full. That a sync failed is said, and is no reason to restart anything; with
    --max-age it counts.

    \b
    Examples:
      drmsmirror health
      drmsmirror health --max-age 26h
    """
    from drmsmirror.catalogue import Process, has_ended, utc_now
    from drmsmirror.daemon.health import full_disk, health_file, problems, read_health

    settings = read_settings(mirror, config, verbose)
    health = read_health(health_file(settings.mirror))
    found = problems(
        health,
        utc_now(),
        has_ended=has_ended(Process(health.host, health.pid, health.process)),
        max_age=max_age,
    ) + full_disk(settings.mirror)
    if as_json_:
        as_json({"healthy": not found, "problems": found, **asdict(health)})
    if found:
        raise UnhealthyError("\n".join(found))
    if not as_json_:
        click.echo(_summary(health))


def _summary(health: Health) -> str:
    who = f"The daemon (process {health.pid} on {health.host})"
    doing = f"{health.state}: {health.doing}" if health.doing else str(health.state)
    lines = [f"{who} is {doing}, since {_told(health.since_utc)}."]
    if health.succeeded_utc is not None:
        lines.append(f"Something last ended well at {_told(health.succeeded_utc)}.")
    if health.next_duty is not None:
        lines.append(f"Next: {health.next_duty.name} at {_told(health.next_duty.due_utc)}.")
    lines += [
        f"{duty.name} failed the last time: {duty.message}"
        for duty in health.duties
        if duty.outcome == "failed"
    ]
    return "\n".join(lines)


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
