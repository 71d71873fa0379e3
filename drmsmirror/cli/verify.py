"""``drmsmirror verify``."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from drmsmirror.cli.common import (
    as_json,
    duration,
    duration_option,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    talk,
)
from drmsmirror.cli.hosts import tell_of_hosts
from drmsmirror.errors import DamageError

if TYPE_CHECKING:
    from datetime import timedelta

    from drmsmirror.mirror import Mirror
    from drmsmirror.segments import Files
    from drmsmirror.segments.trouble import Trouble
    from drmsmirror.segments.verifying import Progress, Verified

__all__ = ["command"]

#: Lines that are said of troubles one by one; --json has more.
_MOST_TOLD = 20


def _share(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    from drmsmirror.model.sizes import parse_share

    try:
        return parse_share(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from None


@click.command("verify")
@click.option("--quick", is_flag=True, help="Only whether each file is there and has its size.")
@click.option(
    "--sample", metavar="SHARE", callback=_share, help="Read only so many, drawn at random: 5%."
)
@duration_option(
    "--max-duration", metavar="TIME", help="Stop after so long: 90m, 5h; the next call goes on."
)
@click.option("--repair", is_flag=True, help="Fetch anew from the upstream what is damaged.")
@mirror_options
@json_option
def command(
    quick: bool,
    sample: float | None,
    max_duration: timedelta | None,
    repair: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Read every file of records that is kept, and say which are not as they were fetched.

    It can be stopped at any moment, and the next call reads what was not read yet. What is damaged
    is given to nobody until it has come again. With --repair damaged bytes are set aside and the
    files fetched anew; what nobody could find is removed. The exit code is 6 where something is
    wrong and was not repaired.

    \b
    Examples:
      drmsmirror verify
      drmsmirror verify --quick
      drmsmirror verify --sample 5% --json
      drmsmirror verify --repair --max-duration 5h
    """
    from drmsmirror.segments.verifying import verify

    if quick and sample is not None:
        raise click.UsageError("--quick reads nothing, and --sample reads some; choose one")
    seconds = math.inf if max_duration is None else max_duration.total_seconds()
    told = 0

    def tell(trouble: Trouble) -> None:
        nonlocal told
        told += 1
        if told <= _MOST_TOLD:
            talk(_said(trouble))
        elif told == _MOST_TOLD + 1:
            talk("... and more; --json has the first thousand")

    with opened_mirror(mirror, config, verbose) as opened, _progress() as show:
        tell_of_hosts(opened)
        found = verify(
            opened,
            quick=quick,
            sample=sample,
            seconds=seconds,
            repair_with=_files(opened) if repair else None,
            told=tell,
            progress=show,
        )
    if as_json_:
        as_json(_plain(found))
    talk(_summary(found, quick=quick))
    if not found.is_complete:
        talk("There was no time for all of it. The next `drmsmirror verify` goes on")
    _refuse(found, repair=repair)


def _files(mirror: Mirror) -> Files:
    from drmsmirror.segments import Files
    from drmsmirror.sharing import open_upstream

    return Files(mirror, open_upstream(mirror))


@contextmanager
def _progress() -> Iterator[Callable[[Progress], Any]]:
    """Show on a terminal how far it has come, and how long the rest takes."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn
    from rich.progress import Progress as ProgressBar

    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[left]}"))
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("read", total=None, left="")

        def show(now: Progress) -> None:
            left = now.seconds_left
            bar.update(
                task,
                completed=now.done.size_bytes,
                total=now.total.size_bytes,
                left="" if left is None else f"{duration(left)} left",
            )

        yield show


def _said(trouble: Trouble) -> str:
    files = ", ".join(map(str, trouble.files[:3]))
    more = f" and {len(trouble.files) - 3:,} more" if len(trouble.files) > 3 else ""
    of = f" ({files}{more})" if files else ""
    became = f": {trouble.remedy}" if trouble.remedy != "none" else ""
    why = f", {trouble.message}" if trouble.message else ""
    return f"{trouble.sha256}{of} is {trouble.problem}{became}{why}"


def _summary(found: Verified, *, quick: bool) -> str:
    did = "looked at" if quick else "read"
    files = f"{found.objects:,} {_word(found.objects)} {did}, {size(found.size_bytes)}"
    if not found.problems:
        return f"{files}; all as they should be." if found.objects else f"{files}."
    problems = ", ".join(f"{count:,} {problem}" for problem, count in found.problems.items())
    remedies = ", ".join(
        f"{count:,} {remedy}" for remedy, count in found.remedies.items() if remedy != "none"
    )
    return f"{files}; {problems}" + (f"; of these {remedies}." if remedies else ".")


def _word(count: int) -> str:
    return "file" if count == 1 else "files"


def _plain(found: Verified) -> dict[str, object]:
    return {
        "begun_utc": found.begun_utc,
        "objects": found.objects,
        "bytes": found.size_bytes,
        "complete": found.is_complete,
        "problems": {str(name): count for name, count in found.problems.items()},
        "remedies": {str(name): count for name, count in found.remedies.items()},
        "unrepaired": found.unrepaired,
        "troubles": found.troubles,
    }


def _refuse(found: Verified, *, repair: bool) -> None:
    count = found.unrepaired
    if not count:
        return
    if repair:
        raise DamageError(
            f"{count:,} {_word(count)} could not be repaired. The damaged bytes are in "
            f"objects/quarantine of the mirror; what is lost is not held any more, and what is "
            f"wanted is fetched by the next repair that can"
        )
    raise DamageError(
        f"{count:,} {_word(count)} of records {'is' if count == 1 else 'are'} damaged. What can "
        f"be had is fetched anew by\n  drmsmirror verify --repair"
    )
