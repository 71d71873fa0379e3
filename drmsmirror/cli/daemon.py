"""``drmsmirror daemon``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import mirror_options, read_settings
from drmsmirror.errors import PartialError

if TYPE_CHECKING:
    from drmsmirror.daemon.rounds import Done

__all__ = ["command"]

_log = logging.getLogger(__name__)


@click.command("daemon")
@click.option("--once", is_flag=True, help="Do what is due now, and end; for cron.")
@click.option(
    "--log",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How events are logged on stderr, one a line: as key=value, or as JSON.",
)
@mirror_options
def command(once: bool, form: str, mirror: str | None, config: str | None, verbose: bool) -> None:
    """Keep the mirror current: sync each subscription by its schedule, and look after the tables.

    It runs until it is sent SIGTERM or SIGINT, and then ends in good order within seconds, with
    exit code 0. What it missed while it did not run it does late, and once. A second daemon on the
    same mirror stands by.

    \b
    Examples:
      drmsmirror daemon
      drmsmirror daemon --log json 2>> ~/drms/daemon.log
      drmsmirror daemon --once
    """
    from drmsmirror.daemon.chores import check_settings
    from drmsmirror.daemon.daemon import Daemon
    from drmsmirror.daemon.logs import log_events, say
    from drmsmirror.daemon.metrics import check_metrics, serving_metrics
    from drmsmirror.mirror import Mirror, catalogue_to_write
    from drmsmirror.sharing import open_upstream

    settings = read_settings(mirror, config, verbose)
    check_settings(settings.daemon)
    catalogue_to_write(settings)
    with log_events(form), Mirror.open_or_create(settings, announce=_log.info) as opened:
        check_metrics(opened)
        upstream = open_upstream(opened)
        if once:
            with Daemon(opened, upstream) as daemon:
                _raise_for_failures(daemon.once())
            return
        with Daemon(opened, upstream, in_charge=lambda: serving_metrics(opened)) as daemon:
            try:
                daemon.run()
            except KeyboardInterrupt:
                say(_log, "daemon.ended")


def _raise_for_failures(done: Sequence[Done]) -> None:
    """Raise what failed.

    Raises
    ------
    PartialError
        Some duties failed, others did not.
    Exception
        All failed: the first failure.
    """
    failures = [one.error for one in done if one.error is not None]
    if failures and len(failures) == len(done):
        raise failures[0]
    if failures:
        raise PartialError(
            f"{len(failures)} of {len(done)} duties failed; the log above says why. They are due "
            f"again at their next time"
        )
