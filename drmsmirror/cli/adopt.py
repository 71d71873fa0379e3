"""``drmsmirror adopt``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    counted,
    json_option,
    mirror_options,
    offline_option,
    read_settings,
    size,
    talk,
)
from drmsmirror.cli.hosts import tell_of_hosts
from drmsmirror.errors import NoSpaceError, PartialError

if TYPE_CHECKING:
    from drmsmirror.client.adopting import Adopted

__all__ = ["command"]

#: Lines that are said of files that were not adopted; --json tells each.
_MOST_TOLD = 20


@click.command("adopt")
@click.argument(
    "places",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "--copy",
    "is_copied",
    is_flag=True,
    help="Share no file with its owner: copy what no reflink can be made of.",
)
@click.option(
    "--trust-names",
    is_flag=True,
    help="Take files without RECNUM for those of the newest version of the record in their name.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be adopted, and change nothing.")
@offline_option
@mirror_options
@json_option
def command(
    places: tuple[Path, ...],
    is_copied: bool,
    trust_names: bool,
    dry_run: bool,
    offline: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Take in the FITS files below DIR that JSOC exported, so that nobody downloads them again.

    A file is recognised by the cards that the export wrote, verified, and linked into the mirror
    where the file system can do so; a hard link makes it read-only, since the mirror relies on it.
    What cannot be recognised is named with the reason and left alone. To do it again does nothing.

    \b
    Examples:
      drmsmirror adopt ~/sharps
      drmsmirror adopt ~/sharps /data/hmi --dry-run --json
      drmsmirror adopt /archive/SUM --trust-names --copy --offline
    """
    from drmsmirror.client import Client
    from drmsmirror.client.adopting import adopt, files_below
    from drmsmirror.segments.adopting import COPIED, LINKED

    for place in places:
        if not place.exists():
            raise click.BadParameter(f"{place} does not exist", param_hint="DIR")
    settings = read_settings(mirror, config, verbose)
    found: list[Adopted] = []
    no_space: NoSpaceError | None = None
    with Client(settings, policy="offline" if offline else "auto") as client:
        tell_of_hosts(client.mirror)
        paths = list(files_below(places))
        how = COPIED if is_copied else LINKED
        adoption = adopt(client, paths, how=how, trust_names=trust_names, dry_run=dry_run)
        with _progress(len(paths)) as advance:
            try:
                for one in adoption:
                    found.append(one)
                    advance()
            except NoSpaceError as error:  # what was taken in until then is told all the same
                no_space = error
    if as_json_:
        as_json([_object(one) for one in found])
    _tell(found, dry_run=dry_run)
    if no_space is not None:
        talk(f"{counted(len(paths) - len(found), 'file')} not taken in: there is no room")
        raise no_space
    _refuse_wrong(found)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """Show on a terminal how far it has come."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("files", total=total)
        yield lambda: bar.advance(task)


def _object(one: Adopted) -> dict[str, object]:
    return {
        "path": _text(str(one.path)),
        "adoption": one.adoption,
        "series": one.file.series if one.file else None,
        "recnum": one.file.recnum if one.file else None,
        "segment": one.file.segment if one.file else None,
        "form": one.form,
        "bytes": one.size_bytes or None,
        "message": _text(one.message) or None,
    }


def _text(text: str) -> str:
    """A text that can have names of files in it, of which JSON takes only what is UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def _tell(found: list[Adopted], *, dry_run: bool) -> None:
    """Say what became of the files, and why some were left."""
    from drmsmirror.client.adopting import Adoption

    others = [one for one in found if not one.adoption.is_there]
    for one in others[:_MOST_TOLD]:
        talk(f"{one.path}: {one.adoption}: {one.message}")
    if len(others) > _MOST_TOLD:
        talk(f"... and {len(others) - _MOST_TOLD:,} more; --json tells each")
    new = [one for one in found if one.adoption is Adoption.ADOPTED]
    counts = Counter(one.adoption for one in found)
    did = "would be adopted" if dry_run else "adopted"
    talk(
        f"{counted(len(found), 'file')}: {len(new):,} {did} "
        f"({size(sum(one.size_bytes for one in new))})"
        f", {counts[Adoption.HELD]:,} held already"
        + "".join(
            f", {counts[kind]:,} {kind}"
            for kind in Adoption
            if kind in counts and not kind.is_there
        )
    )


def _refuse_wrong(found: list[Adopted]) -> None:
    """Raise where a file is damaged, or failed."""
    from drmsmirror.client.adopting import Adoption

    wrong = [one for one in found if one.adoption in (Adoption.DAMAGED, Adoption.FAILED)]
    if wrong:
        raise PartialError(f"{len(wrong):,} of {counted(len(found), 'file')} could not be taken in")
