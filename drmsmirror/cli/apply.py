"""``drmsmirror apply``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
    talk,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drmsmirror.mirror import Mirror
    from drmsmirror.model.subscription import Difference, Subscription
    from drmsmirror.settings import Settings
    from drmsmirror.sharing import SharedUpstream

__all__ = ["command"]


@click.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before anything is changed.")
@offline_option
@mirror_options
@json_option
def command(
    file: str,
    dry_run: bool,
    yes: bool,
    offline: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Make the subscriptions those of FILE, a manifest in TOML, and no others.

    The difference is shown first: + is added, ~ changed, - removed. Records that are held stay,
    whatever becomes of the subscription that brought them.

    \b
    Examples:
      drmsmirror apply mirror.toml --dry-run
      drmsmirror apply mirror.toml --yes
    """
    from drmsmirror.cli.showing import difference_lines, difference_plain
    from drmsmirror.model.manifest import read_manifest
    from drmsmirror.model.subscription import difference

    settings = read_settings(mirror, config, verbose)
    manifest = read_manifest(_text(file), file)
    with ExitStack() as open_:
        opened = _opened(settings, open_, dry_run=dry_run)
        before = _subscriptions(opened)
        upstream = _upstream(opened, offline=offline)
        after = _checked(file, opened, upstream, before, manifest)
        found = difference(before, after)
        if as_json_:
            as_json(difference_plain(found))
        else:
            for line in difference_lines(found):
                click.echo(line)
        if opened is not None:
            _tell_what_lies_within(opened, upstream, found, after)
        if not found:
            talk(f"The subscriptions are those of {file} already.")
        elif not dry_run:
            if not (yes or _agreed(found)):
                talk("Nothing was changed.")
                return
            assert opened is not None, "only a dry run does without a mirror"
            opened.catalogue.subscriptions.replace_all(before, after)
            opened.publish()
            talk(f"The subscriptions are those of {file} now.")


def _text(file: str) -> str:
    from drmsmirror.errors import SettingsError

    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is no text in UTF-8: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None


def _opened(settings: Settings, open_: ExitStack, *, dry_run: bool) -> Mirror | None:
    """The mirror, made where it is absent; a dry run makes none."""
    from drmsmirror.mirror import Mirror

    if dry_run and not Mirror.exists(settings):
        return None
    return open_.enter_context(Mirror.open_or_create(settings, announce=talk))


def _upstream(mirror: Mirror | None, *, offline: bool) -> SharedUpstream | None:
    """Whoever is asked for the definitions of series that are new here; None where nobody is."""
    from drmsmirror.sharing import open_upstream

    return None if offline or mirror is None else open_upstream(mirror)


def _subscriptions(mirror: Mirror | None) -> tuple[Subscription, ...]:
    several = () if mirror is None else mirror.catalogue.subscriptions.all()
    return tuple(stored.subscription for stored in several)


def _checked(
    file: str,
    mirror: Mirror | None,
    upstream: SharedUpstream | None,
    before: Sequence[Subscription],
    manifest: Sequence[Subscription],
) -> list[Subscription]:
    """The subscriptions of the manifest, those that are new or changed as their series say.

    Raises
    ------
    SettingsError
        Two of them are of one record set.
    """
    from drmsmirror.errors import SettingsError
    from drmsmirror.sync import prepared

    if mirror is None:
        return list(manifest)
    known = {one.record_set: one for one in before}
    checked: dict[str, Subscription] = {}
    for one in manifest:
        was = known.get(one.record_set)
        found = one if was == one else prepared(mirror, upstream, one, was)
        if found.record_set in checked:  # spelled in two ways
            raise SettingsError(f"{file} has {found.record_set} twice; leave one of them")
        checked[found.record_set] = found
    return list(checked.values())


def _tell_what_lies_within(
    mirror: Mirror,
    upstream: SharedUpstream | None,
    found: Difference,
    after: Sequence[Subscription],
) -> None:
    """Say of what is added where it brings nothing that others do not bring."""
    from drmsmirror.cli.showing import lies_within
    from drmsmirror.sync import subscription_beyond

    for added in found.added:
        beyond = subscription_beyond(mirror, upstream, added, after)
        if beyond is not None:
            talk(lies_within(added.record_set, beyond))


def _agreed(found: Difference) -> bool:
    """Whether somebody agrees to the difference."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nothing was changed: without a terminal give --yes, or --dry-run")
    count = len(found.added) + len(found.changed) + len(found.removed)
    what = "this change" if count == 1 else f"these {count} changes"
    return click.confirm(f"Make {what}?", default=True, err=True)
