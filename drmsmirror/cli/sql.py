"""``drmsmirror sql``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import mirror_options, open_mirror, read_settings, table, talk

if TYPE_CHECKING:
    from drmsmirror.client.sql import SqlRows

__all__ = ["command"]


@click.command("sql")
@click.argument("statement", metavar="SELECT")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How to write the result.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="ROWS",
    help="Write no more rows than this, and say so where there are more.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop the statement when it takes longer.",
)
@mirror_options
def command(
    statement: str,
    form: str,
    limit: int | None,
    timeout: float | None,
    mirror: str | None,
    config: str | None,
    verbose: bool,
) -> None:
    """Run one SELECT over everything that the mirror holds.

    Each series is a view, named as in DRMS (hmi.sharp_720s), with the latest version of each
    record; with _all behind its name (hmi.sharp_720s_all) with every version. Columns are the
    keywords in lower case, times are TAI seconds since 1977.01.01_00:00:00_TAI, missing values are
    null. tai('2014.07.05_TAI') is a time as seconds, drms_time(t_rec) seconds as a time. DRMS's
    own tables are there too (hmi.drms_keyword). DESCRIBE shows the columns of each.

    \b
    Examples:
      drmsmirror sql 'select harpnum, max(usflux) from hmi.sharp_720s group by 1 order by 2 desc'
      drmsmirror sql 'describe hmi.sharp_720s'
    """
    from drmsmirror.client.sql import stream_sql

    settings = read_settings(mirror, config, verbose)
    with (
        open_mirror(settings) as opened,
        stream_sql(opened, statement, limit=limit, seconds=timeout) as answer,
    ):
        _write(answer, form)
        if answer.was_cut:
            talk(f"Only the first {limit:,} rows were written (--limit); there are more")


def _write(answer: SqlRows, form: str) -> None:
    if form == "table":
        click.echo(table(answer.columns, list(answer)))
        return
    import csv
    import sys

    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(answer)
        return
    from drmsmirror.cli.common import as_json

    as_json([dict(zip(answer.columns, row, strict=True)) for row in answer])
