"""``drmsmirror runs``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from drmsmirror.cli.common import (
    as_json,
    duration,
    json_option,
    mirror_options,
    opened_mirror,
    size,
    table,
    talk,
)

if TYPE_CHECKING:
    from drmsmirror.catalogue import Run

__all__ = ["command"]

#: Characters of a reason that a line of the table shows; ``--json`` has all of it.
_SHOWN = 60

_COLUMNS = (
    "run", "kind", "record set", "started (UTC)", "took", "requests", "bytes", "new", "revised",
    "removed", "watermark", "outcome", "error",
)  # fmt: skip


@click.command("runs")
@click.argument("series", metavar="[SERIES]", required=False)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="The latest N runs.",
)
@mirror_options
@json_option
def command(
    series: str | None,
    limit: int,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """List what was done, newest first: every run that changed or compared what is held.

    By SERIES only the runs of that one. A run has a number, by which query --as-of, diff --since
    and tag --at name the moment at which it ended.

    \b
    Examples:
      drmsmirror runs
      drmsmirror runs hmi.sharp_720s --limit 100 --json
    """
    with opened_mirror(mirror, config, verbose) as opened:
        found = opened.catalogue.runs.recent(series=series, limit=limit)
    if as_json_:
        as_json([_entry(run) for run in found])
    elif found:
        click.echo(table(_COLUMNS, [_row(run) for run in found]))
    else:
        talk(f"There are no runs of {series}" if series else "There are no runs yet")


def _entry(run: Run) -> dict[str, Any]:
    """A run as JSON has it: one flat object."""
    values = asdict(run)
    counters = values.pop("counters")
    return {**values, "seconds": run.seconds, **counters}


def _row(run: Run) -> tuple[object, ...]:
    counted = run.counters
    return (
        run.id,
        run.kind,
        run.record_set,
        f"{run.started_utc:%Y-%m-%d %H:%M:%S}",
        None if run.seconds is None else duration(run.seconds),
        counted.requests,
        size(counted.bytes),
        counted.records_new,
        counted.records_revised,
        counted.records_removed,
        _watermark(run),
        run.outcome,
        _cut(run.error_message or ""),
    )


def _watermark(run: Run) -> str:
    before, after = run.watermark_before, run.watermark_after
    return f"{after or ''}" if before == after else f"{before or 'none'} to {after}"


def _cut(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
