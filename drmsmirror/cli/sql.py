"""``drmsmirror sql``."""

from __future__ import annotations

import click

from drmsmirror.cli.common import as_json, mirror_options, opened_mirror, talk
from drmsmirror.cli.rows import format_option, limit_option, write_rows

__all__ = ["command"]


@click.command("sql")
@click.argument("statement", metavar="SELECT")
@format_option("result")
@limit_option("Write no more rows than this, and say so where there are more.")
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

    with (
        opened_mirror(mirror, config, verbose) as opened,
        stream_sql(opened, statement, limit=limit, seconds=timeout) as answer,
    ):
        if form == "json":
            as_json([dict(zip(answer.columns, row, strict=True)) for row in answer])
        else:
            write_rows(answer.columns, answer, form)
        if answer.was_cut:
            talk(f"Only the first {limit:,} rows were written (--limit); there are more")
