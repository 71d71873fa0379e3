"""``drmsmirror init``."""

from __future__ import annotations

from pathlib import Path

import click

from drmsmirror.cli.common import mirror_options, read_settings, size, talk

__all__ = ["command"]


@click.command("init")
@click.argument("directory", required=False, type=click.Path(file_okay=False))
@mirror_options
def command(directory: str | None, mirror: str | None, config: str | None, verbose: bool) -> None:
    """Make a mirror in DIRECTORY and say what was made.

    Without DIRECTORY it is made where --mirror or DRMSMIRROR_MIRROR says, else in your data
    directory. What is there already is left as it is.

    \b
    Example:
      drmsmirror init /data/drms
    """
    from drmsmirror.files import free_bytes
    from drmsmirror.mirror import Mirror

    if directory and mirror and _place(directory) != _place(mirror):
        raise click.UsageError(f"DIRECTORY is {directory} and --mirror {mirror}; name one of them")
    settings = read_settings(directory or mirror, config, verbose)
    if Mirror.exists(settings):
        Mirror.open(settings).close()
        talk(f"There is a mirror at {settings.mirror} already; nothing was changed.")
        return
    with Mirror.create(settings) as made:
        talk(f"Made a mirror at {settings.mirror} ({size(free_bytes(settings.mirror))} free):")
        talk("  drmsmirror.toml    its settings")
        talk("  records/           record tables, one for each series")
        talk(f"  catalogue          {made.catalogue.place}")
    talk("Next, bring something in:\n  drmsmirror sync 'hmi.sharp_720s[4315]'")


def _place(directory: str) -> Path:
    return Path(directory).expanduser().resolve()
