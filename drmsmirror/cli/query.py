"""``drmsmirror query``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from drmsmirror.cli.common import (
    counted,
    json_list,
    mirror_options,
    policy_of,
    read_settings,
    table,
    talk,
    terms_options,
)
from drmsmirror.cli.rows import format_option

if TYPE_CHECKING:
    from datetime import timedelta

    from drmsmirror.client import Answer

__all__ = ["command"]

_STDOUT = "-"

#: Forms that are no text.
_BINARY = {"parquet": "Parquet", "arrow": "Arrow"}


@click.command("query")
@click.argument("record_set", metavar="RECORDSET")
@click.option(
    "-k",
    "--key",
    metavar="KEYS",
    default="**ALL**",
    show_default=True,
    help="Keywords, separated by commas; *recnum* and *sunum* too.",
)
@click.option(
    "--n", type=int, metavar="N", help="Only the first N records; the last ones if below 0."
)
@click.option("--seg", metavar="NAMES", help="Segments, separated by commas; **ALL** for all.")
@click.option("--link", metavar="NAMES", help="Links, separated by commas; **ALL** for all.")
@click.option(
    "--as-of",
    metavar="MOMENT",
    help="Answer as the mirror stood then, without the upstream: a time in UTC (2026-11-01, "
    "2026-11-01T12:00), the number of a run, or a tag.",
)
@terms_options()
@format_option("answer", "parquet", "arrow")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    default=_STDOUT,
    metavar="FILE",
    help="Write to a file, which is there as a whole or not at all.",
)
@mirror_options
def command(
    record_set: str,
    key: str,
    n: int | None,
    seg: str | None,
    link: str | None,
    as_of: str | None,
    policy: str,
    offline: bool,
    max_age: timedelta | None,
    partial: bool,
    wait: float | None,
    form: str,
    output: str,
    mirror: str | None,
    config: str | None,
    verbose: bool,
) -> None:
    """Print keywords of RECORDSET, as DRMS prints them.

    What the mirror holds is answered without the upstream, which is asked for the rest alone; what
    it gives is kept. The last line on stderr says where the answer came from.

    In Parquet and Arrow (a stream of record batches) numbers are numbers and a missing value is
    null; elsewhere a value is the text that JSOC would have sent.

    \b
    Examples:
      drmsmirror query 'hmi.sharp_720s[4315][2014.07.05_TAI/1d]' --key T_REC,USFLUX,QUALITY
      drmsmirror query 'hmi.sharp_720s[4315]' --format parquet -o 4315.parquet --offline
      drmsmirror query 'hmi.sharp_720s[4315][$]' --max-age 1h --wait 60
      drmsmirror query 'hmi.sharp_720s[4315]' --as-of 2026-11-01
    """
    from drmsmirror.client import Client
    from drmsmirror.client.arguments import split_names

    if form in _BINARY and output == _STDOUT and sys.stdout.isatty():
        raise click.UsageError(f"{_BINARY[form]} is not for a terminal; name a file with -o FILE")
    settings = read_settings(mirror, config, verbose)
    if as_of is not None and (policy == "remote" or max_age is not None):
        raise click.UsageError("--as-of goes with neither --policy remote nor --max-age")
    policy = "offline" if as_of is not None else policy_of(policy, offline=offline)
    with Client(settings, policy, max_age=max_age, partial=partial, wait=wait) as client:
        answer = client.answer(
            record_set,
            split_names(key),
            seg=split_names(seg),
            link=split_names(link),
            n=n,
            as_of=as_of,
        )
        if not answer.names:
            raise click.UsageError(f"{key} names no keyword; name some, or leave --key out")
        with _opened(output) as stream:
            rows = _write(answer, form, stream)
    talk(
        f"{counted(rows, 'record')}, {answer.source} answer, "
        f"{f'at {as_of}, ' if as_of else ''}as of "
        f"{answer.as_of_utc:%Y-%m-%d %H:%M} UTC" + (f", in {output}" if output != _STDOUT else "")
    )
    if not answer.complete:
        talk(f"This is not all of it. {answer.missing}")


@contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    """Where the answer goes: a file that appears when it is complete, or stdout."""
    from drmsmirror.files import replacing

    if output == _STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with replacing(Path(output).resolve()) as temporary, temporary.open("wb") as stream:
        yield stream


def _write(answer: Answer, form: str, stream: BinaryIO) -> int:
    if form in _BINARY:
        return _write_typed(answer, form, stream)
    rows = 0
    for text, count in _texts(answer, form):
        stream.write(text.encode())
        rows += count
    return rows


def _texts(answer: Answer, form: str) -> Iterator[tuple[str, int]]:
    """Pieces of output, each with the number of records in it; a table is one piece."""
    names, batches = answer.names, answer.rows()
    if form == "csv":
        yield _csv([names]), 0
        for rows in batches:
            yield _csv(rows), len(rows)
    elif form == "json":
        yield from json_list(names, chain.from_iterable(batches))
    else:
        rows = list(chain.from_iterable(batches))
        yield table(names, rows) + "\n", len(rows)


def _csv(rows: object) -> str:
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _write_typed(answer: Answer, form: str, stream: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    new_writer = pq.ParquetWriter if form == "parquet" else pa.ipc.new_stream
    rows = 0
    with new_writer(stream, answer.schema) as writer:
        for batch in answer.arrow_batches():
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows
