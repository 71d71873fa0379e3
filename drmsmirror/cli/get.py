"""``drmsmirror get``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import (
    json_option,
    mirror_options,
    policy_of,
    read_settings,
    talk,
    terms_options,
    write_json_list,
)
from drmsmirror.cli.given import Given, Tally
from drmsmirror.cli.growingbar import Bar, progress_bar
from drmsmirror.cli.hosts import tell_of_hosts
from drmsmirror.errors import StoreError

if TYPE_CHECKING:
    from datetime import timedelta

    from drmsmirror.client.wanted import FilesSlice
    from drmsmirror.mirror import Mirror
    from drmsmirror.model.filenames import NamedFile
    from drmsmirror.objects import Laid
    from drmsmirror.segments import Outcome

    _Lay = Callable[[Mapping[Outcome, NamedFile]], Iterator[tuple[Outcome, Laid | StoreError]]]

__all__ = ["command"]


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
        lay = _laying(client.mirror, link_to, copy_to, names)
        tally = Tally()
        with progress_bar(is_for_people=not as_json_) as bar:
            orderer = Orderer(waiting=_tell_of_waiting)
            fetched = client.fetch(wanted, again=again, as_is=as_is, orderer=orderer)
            given = tally.counted(_given(fetched, lay, bar))
            if as_json_:
                write_json_list(map(_object, given))
            else:
                for one in given:
                    if one.outcome.state.is_there:
                        bar.echo(str(one.path or one.outcome.url))
    tally.tell(wanted)


def _given(
    fetched: Iterable[tuple[FilesSlice, Iterator[Outcome]]], lay: _Lay | None, bar: Bar
) -> Iterator[Given]:
    """What came of each file, in order: as soon as it is known, or laid once its slice is there."""
    for some, outcomes in fetched:
        bar.expect(len(some.names), is_all=some.is_last)
        ordered = some.in_order(bar.watched(outcomes))
        if lay is not None:
            yield from _laid(some, list(ordered), lay)
            continue
        for outcome in ordered:
            yield Given(some.names[outcome.file], outcome, outcome.path)


def _laying(mirror: Mirror, link_to: Path | None, copy_to: Path | None, names: str) -> _Lay | None:
    """What lays files where somebody wants them; None where nobody does."""
    from drmsmirror.objects import Laying
    from drmsmirror.segments import Names, lay_tree

    directory = link_to or copy_to
    if directory is None:
        return None
    laying = Laying.LINK if copy_to is None else Laying.COPY
    return lambda files: lay_tree(mirror.objects, files, directory, laying, Names(names))


def _laid(some: FilesSlice, outcomes: Sequence[Outcome], lay: _Lay) -> Iterator[Given]:
    """Lay the files that are there; what could not be laid has failed."""
    from drmsmirror.segments import FileState

    laid = lay({one: some.names[one.file] for one in outcomes if one.state.is_there})
    for outcome in outcomes:
        named = some.names[outcome.file]
        result = next(laid)[1] if outcome.state.is_there else None
        if isinstance(result, StoreError):
            failed = FileState.FAILED
            why = replace(outcome, state=failed, message=str(result), error=result.code)
            yield Given(named, why)
        else:
            yield Given(named, outcome, None if result is None else result.path)


def _tell_of_waiting(message: str) -> None:
    talk(f"Waiting for JSOC to bring files from tape: {message}")


def _object(one: Given) -> dict[str, object]:
    outcome = one.outcome
    return {
        "record": one.named.record,
        "series": outcome.file.series,
        "recnum": outcome.file.recnum,
        "segment": outcome.file.segment,
        "state": outcome.state,
        "form": outcome.form if outcome.state.is_there else None,
        "path": None if one.path is None else str(one.path),
        "url": outcome.url or None,
        "sha256": outcome.sha256 or None,
        "bytes": outcome.size_bytes if outcome.state.is_there else None,
        "file_name": outcome.file_name or None,
        "error": outcome.error or None,
        "message": outcome.message or None,
    }
