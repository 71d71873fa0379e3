"""``drmsmirror subscriptions``."""

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


@click.command("subscriptions")
@click.option("--toml", is_flag=True, help="Print a manifest that apply takes.")
@mirror_options
@json_option
def command(
    toml: bool, mirror: str | None, config: str | None, verbose: bool, as_json_: bool
) -> None:
    """List what is to be kept, in the order in which sync --all does it.

    \b
    Examples:
      drmsmirror subscriptions
      drmsmirror subscriptions --toml > mirror.toml
    """
    from drmsmirror.cli.showing import NO_SUBSCRIPTIONS, stored_plain, subscription_table

    if toml and as_json_:
        raise click.UsageError("--toml and --json contradict each other; choose one")
    with opened_mirror(mirror, config, verbose) as opened:
        several = opened.catalogue.subscriptions.all()
    if as_json_:
        as_json([stored_plain(stored) for stored in several])
    elif toml:
        from drmsmirror.model.manifest import write_manifest

        click.echo(write_manifest([stored.subscription for stored in several]), nl=False)
    elif several:
        click.echo(subscription_table(several))
    else:
        talk(NO_SUBSCRIPTIONS)
