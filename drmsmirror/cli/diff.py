"""``drmsmirror diff``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, fields
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import mirror_options, opened_mirror, table, talk
from drmsmirror.cli.rows import format_option, limit_option, write_rows

if TYPE_CHECKING:
    from drmsmirror.client.differences import Difference

__all__ = ["command"]


@click.command("diff")
@click.argument("series", metavar="SERIES")
@click.option(
    "--since",
    required=True,
    metavar="MOMENT",
    help="A time in UTC (2026-11-01, 2026-11-01T12:00), the number of a run, or a tag.",
)
@click.option("--until", metavar="MOMENT", help="Another, later one. [default: now]")
@click.option("--json", "as_json_", is_flag=True, help="Short for --format json.")
@format_option("list")
@limit_option("Write no more rows than this; all are counted.")
@mirror_options
def command(
    series: str,
    since: str,
    until: str | None,
    as_json_: bool,
    form: str,
    limit: int | None,
    mirror: str | None,
    config: str | None,
    verbose: bool,
) -> None:
    """List what the runs since MOMENT changed about the records of SERIES, value by value.

    Of a record that was revised each value that prints differently has a row, *recnum* and *sunum*
    among them; one that is new or removed has one row. What came and went in between is not seen.
    How many values of each keyword changed is said on stderr.

    \b
    Examples:
      drmsmirror diff hmi.sharp_720s --since 2026-11-01
      drmsmirror diff hmi.sharp_720s --since 41 --until 42 --format csv
    """
    from drmsmirror.client.differences import differences

    counts: Counter[tuple[str, str]] = Counter()
    with opened_mirror(mirror, config, verbose) as opened:
        first = opened.catalogue.moments.find(since)
        last = None if until is None else opened.catalogue.moments.find(until)
        found = _counted(differences(opened, series, first, last), counts)
        _write(islice(found, limit), "json" if as_json_ else form)
        left = sum(1 for _ in found)
    if left:
        talk(f"{left:,} more rows were not written (--limit)")
    talk(_summary(counts))


def _counted(found: Iterator[Difference], counts: Counter[tuple[str, str]]) -> Iterator[Difference]:
    for one in found:
        counts[str(one.kind), one.keyword] += 1
        yield one


def _write(found: Iterator[Difference], form: str) -> None:
    from drmsmirror.client.differences import Difference

    first = next(found, None)
    if form == "table" and first is None:
        return
    rows = map(astuple, found if first is None else chain([first], found))
    write_rows([field.name for field in fields(Difference)], rows, form)


def _summary(counts: Counter[tuple[str, str]]) -> str:
    """How many records came and went, and how many values of each keyword changed."""
    came, went = counts["new", ""], counts["removed", ""]
    lines = [f"{came:,} new and {went:,} removed records"]
    revised = {keyword: count for (kind, keyword), count in counts.items() if kind == "revised"}
    if revised:
        shown = sorted(revised.items(), key=lambda one: (-one[1], one[0]))
        rows = [(f"  {keyword}", count) for keyword, count in shown]
        lines.append(f"{sum(revised.values()):,} values of revised records, by keyword:")
        lines.append(table(("  keyword", "values"), rows))
    return "\n".join(lines)
