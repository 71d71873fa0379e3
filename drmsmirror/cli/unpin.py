"""``drmsmirror unpin``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import as_json, json_option, mirror_options, opened_mirror, talk
from drmsmirror.cli.hosts import tell_of_hosts

__all__ = ["command"]


@click.command("unpin")
@click.argument("record_set", metavar="RECORDSET")
@mirror_options
@json_option
def command(
    record_set: str, mirror: str | None, config: str | None, verbose: bool, as_json_: bool
) -> None:
    """Let the files that RECORDSET pins go again, unless another record set pins them too.

    It is written as it was pinned; `drmsmirror pins` lists what is. No file is removed by this.

    \b
    Example:
      drmsmirror unpin 'hmi.sharp_cea_720s[377][2011.02.14/2d]{Br,Bp,Bt}'
    """
    from drmsmirror.segments.pinning import unpin

    with opened_mirror(mirror, config, verbose) as opened:
        tell_of_hosts(opened)
        gone = unpin(opened, record_set)
    if as_json_:
        as_json(gone)
    talk(f"{gone.record_set} pins nothing any more; `drmsmirror gc` may let its files go.")
