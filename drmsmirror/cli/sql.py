"""``drmsmirror sql``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import mirror_options, open_mirror, read_settings, table

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
@mirror_options
def command(
    statement: str, form: str, mirror: str | None, config: str | None, verbose: bool
) -> None:
    """Run one SELECT over everything that the mirror holds.

    Each series is a view, named as in DRMS (hmi.sharp_720s), with the latest version of each
    record; columns are the keywords in lower case, times are TAI seconds since
    1977.01.01_00:00:00_TAI, missing values are null. DESCRIBE shows the columns.

    \b
    Examples:
      drmsmirror sql 'select harpnum, max(usflux) from hmi.sharp_720s group by 1 order by 2 desc'
      drmsmirror sql 'describe hmi.sharp_720s'
    """
    from drmsmirror.client.sql import run_sql

    settings = read_settings(mirror, config, verbose)
    with open_mirror(settings) as opened:
        columns, rows = run_sql(opened, statement)
    if form == "table":
        click.echo(table(columns, rows))
        return
    import csv
    import sys

    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows])
        return
    from drmsmirror.cli.common import as_json

    as_json([dict(zip(columns, row, strict=True)) for row in rows])
