"""``drmsmirror get``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    as_json,
    json_option,
    mirror_options,
    policy_of,
    read_settings,
    size,
    talk,
    terms_options,
)
from drmsmirror.cli.files import HOW_TO_OPEN
from drmsmirror.cli.hosts import tell_of_hosts
from drmsmirror.errors import NoSpaceError, NotHeldError, PartialError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from drmsmirror.client.getting import WantedFiles
    from drmsmirror.mirror import Mirror
    from drmsmirror.model.filenames import NamedFile
    from drmsmirror.model.segmentfile import SegmentFile
    from drmsmirror.segments import Outcome

__all__ = ["command"]

#: So many reasons are told in words; --json tells each.
_MOST_TOLD = 5


@click.command("get")
@click.argument("record_set", metavar="RECORDSET")
@click.option(
    "--seg", metavar="NAMES", help="Segments, in place of those in braces. [default: all]"
)
@click.option(
    "--n", type=int, metavar="N", help="Only the first N records; the last ones if below 0."
)
@click.option(
    "--link",
    "link_to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Lay a readable tree there, of links to the files, to read only.",
)
@click.option(
    "--copy",
    "copy_to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Lay a readable tree there, of copies of your own.",
)
@click.option(
    "--names",
    type=click.Choice(["tree", "jsoc"]),
    default="tree",
    show_default=True,
    help="How files in DIR are called: a folder for each prime key, or as JSOC's exports.",
)
@click.option(
    "--fits",
    is_flag=True,
    help="FITS files with the keywords of their record in the header, as JSOC exports them.",
)
@click.option(
    "--process",
    "steps",
    multiple=True,
    metavar="STEP",
    help="What JSOC is to make of the files first: im_patch,t_ref=...,boxunits=...; several are "
    "done in their order.",
)
@click.option(
    "--as-is",
    is_flag=True,
    help="Only files as JSOC stores them, no exported ones that were adopted.",
)
@click.option("--again", is_flag=True, help="Try files again that could not be had lately.")
@terms_options(
    wait="What the upstream gets to tell the records, retries included. It does not bound their "
    "files: a download may take as long as something comes, an order [segments] order_wait."
)
@mirror_options
@json_option
def command(
    record_set: str,
    seg: str | None,
    n: int | None,
    link_to: Path | None,
    copy_to: Path | None,
    names: str,
    fits: bool,
    steps: tuple[str, ...],
    as_is: bool,
    again: bool,
    policy: str,
    offline: bool,
    max_age: timedelta | None,
    partial: bool,
    wait: float | None,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Print the paths of the files of RECORDSET, one a line, fetching what is missing.

    The files are to be read and not written to. They stay for at least a day, and beyond that until
    their room is needed; --copy gives you copies of your own. Files that are on tape are ordered,
    which takes a registered e-mail address ([segments] email). A file that cannot be had keeps no
    other from coming: stderr says why, and the exit code is 5.

    --process has JSOC process the files, such as cut them out, once: what came of it is kept. That
    is ordered too, and the files have JSOC's names.

    \b
    Examples:
      drmsmirror get 'hmi.sharp_cea_720s[377][2011.02.15_02:00_TAI]{Br,magnetogram}'
      drmsmirror get 'hmi.sharp_cea_720s[377][2011.02.15/1h]{Br}' --link ~/sharps
      drmsmirror get 'hmi.sharp_cea_720s[377][2011.02.15/1h]{Br}' --fits --copy ~/sharps
      drmsmirror get 'hmi.M_45s[2014.07.05_TAI/1h]' --process resize,scale=0.25 --fits
      drmsmirror get 'aia.lev1_euv_12s[2014.01.01_TAI/1m][171]' --seg image --offline --json
    """
    from drmsmirror.client import Client
    from drmsmirror.segments import Orderer

    if link_to is not None and copy_to is not None:
        raise click.UsageError("--link and --copy contradict each other; choose one")
    if names != "tree" and link_to is None and copy_to is None:
        raise click.UsageError("--names goes with --link or --copy")
    settings = read_settings(mirror, config, verbose)
    policy = policy_of(policy, offline=offline)
    with Client(settings, policy, max_age=max_age, partial=partial, wait=wait) as client:
        tell_of_hosts(client.mirror)
        if steps:
            from drmsmirror.cli.processed import get_processed
            from drmsmirror.client.arguments import with_segments

            get_processed(
                client,
                with_segments(record_set, seg),
                steps,
                n=n,
                fits=fits,
                link_to=link_to,
                copy_to=copy_to,
                json=as_json_,
            )
            return
        wanted = client.wanted_files(record_set, seg, n=n, fits=fits)
        found: dict[SegmentFile, Outcome] = {}
        with _progress(len(wanted.names)) as tell:
            orderer = Orderer(waiting=_tell_of_waiting)
            for outcome in client.fetch(wanted, again=again, as_is=as_is, orderer=orderer):
                found[outcome.file] = outcome
                tell(outcome)
        outcomes = {file: found[file] for file in wanted.names}
        paths, refused = _laid(client.mirror, wanted, outcomes, link_to, copy_to, names)
        outcomes |= refused
    if as_json_:
        as_json(
            [_object(one, wanted.names[file], paths.get(file)) for file, one in outcomes.items()]
        )
    else:
        for file, one in outcomes.items():
            if one.state.is_there:
                click.echo(paths.get(file, one.url))
    if without := sum(one.state.is_there and one.file not in paths for one in outcomes.values()):
        talk(f"{without:,} of them are in S3, where they have no path: {HOW_TO_OPEN}")
    _tell(list(outcomes.values()), wanted)


def _laid(
    mirror: Mirror,
    wanted: WantedFiles,
    outcomes: Mapping[SegmentFile, Outcome],
    link_to: Path | None,
    copy_to: Path | None,
    names: str,
) -> tuple[dict[SegmentFile, Path], dict[SegmentFile, Outcome]]:
    """Where the files are that are there, and what became of those that could not be laid."""
    from drmsmirror.objects import Laying
    from drmsmirror.segments import FileState, Names, lay_tree

    there = {one: wanted.names[file] for file, one in outcomes.items() if one.state.is_there}
    directory = link_to or copy_to
    if directory is None:
        return {one.file: one.path for one in there if one.path is not None}, {}
    laying = Laying.LINK if copy_to is None else Laying.COPY
    paths, refused = {}, {}
    for outcome, laid in lay_tree(mirror.objects, there, directory, laying, Names(names)):
        if isinstance(laid, StoreError):
            refused[outcome.file] = replace(
                outcome, state=FileState.FAILED, message=str(laid), error=laid.code
            )
        else:
            paths[outcome.file] = laid.path
    return paths, refused


@contextmanager
def _progress(files: int) -> Iterator[Callable[[Outcome], None]]:
    """Show on a terminal how far it has come."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("files", total=files)
        yield lambda _: bar.advance(task)


def _tell_of_waiting(message: str) -> None:
    talk(f"Waiting for JSOC to bring files from tape: {message}")


def _object(outcome: Outcome, named: NamedFile, path: Path | None) -> dict[str, object]:
    return {
        "record": named.record,
        "series": outcome.file.series,
        "recnum": outcome.file.recnum,
        "segment": outcome.file.segment,
        "state": outcome.state,
        "form": outcome.form if outcome.state.is_there else None,
        "path": None if path is None else str(path),
        "url": outcome.url or None,
        "sha256": outcome.sha256 or None,
        "bytes": outcome.size_bytes if outcome.state.is_there else None,
        "file_name": outcome.file_name or None,
        "error": outcome.error or None,
        "message": outcome.message or None,
    }


def _tell(outcomes: list[Outcome], wanted: WantedFiles) -> None:
    """Say what came, and why the rest did not; raise where something is missing."""
    from drmsmirror.segments import FileState, Form

    if not outcomes:
        talk("No record matches: there are no files")
        return
    fetched = [one for one in outcomes if one.state is FileState.FETCHED]
    held = sum(one.state is FileState.HELD for one in outcomes)
    without = sum(one.state is FileState.NO_FILE for one in outcomes)
    talk(
        f"{len(outcomes):,} files: {held:,} held, {len(fetched):,} fetched "
        f"({size(sum(one.size_bytes for one in fetched))})"
        + (f", {without:,} that the records do not have" if without else "")
    )
    exported = sum(one.form is Form.FITS for one in outcomes)
    if exported and wanted.headers is None:
        talk(
            f"{exported:,} of them are exported files that were adopted: the image is the same, "
            f"with keywords in the header; --as-is fetches them as JSOC stores them"
        )
    missing = [
        one for one in outcomes if not one.state.is_there and one.state is not FileState.NO_FILE
    ]
    if not wanted.answer.complete:
        talk(f"These are not all of the records. {wanted.answer.missing}")
    if not missing:
        return
    for one in missing[:_MOST_TOLD]:
        talk(f"{wanted.names[one.file].shown}: {one.state}: {one.message}")
    if len(missing) > _MOST_TOLD:
        talk(f"... and {len(missing) - _MOST_TOLD:,} more; --json tells each")
    if all(one.state is FileState.NOT_HELD for one in missing):
        raise NotHeldError(f"The mirror does not hold {len(missing):,} of the files")
    if any(one.error == NoSpaceError.code for one in missing):
        raise NoSpaceError(f"{len(missing):,} of {len(outcomes):,} files could not be had")
    raise PartialError(f"{len(missing):,} of {len(outcomes):,} files could not be had")
