"""``drmsmirror import``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.common import as_json, json_option, mirror_options, read_settings, talk

if TYPE_CHECKING:
    from drmsmirror.mirror import Mirror
    from drmsmirror.model.series import SeriesDefinition

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("series", metavar="SERIES")
@click.option(
    "--struct",
    type=_FILE,
    metavar="FILE",
    help="Definition: the JSON answer to series_struct. [default: what the mirror knows]",
)
@click.option(
    "--records",
    type=_FILE,
    metavar="FILE",
    required=True,
    help="The records: .csv, .parquet, or .json with a recorded rs_list answer.",
)
@click.option(
    "--covers",
    metavar="all|RECORDSET",
    help="What the file holds completely, so that queries inside it are answered: all (the whole "
    "series, superseded versions too) or a record set.",
)
@mirror_options
@json_option
def command(
    series: str,
    struct: Path | None,
    records: Path,
    covers: str | None,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
) -> None:
    """Take in records of SERIES that you already have, without asking the upstream.

    Columns are named by keyword. A value may be printed as DRMS does or be a plain number; times
    also seconds since 1977.01.01_TAI; an empty field, MISSING and DRMS's own sentinel all mean
    missing. The column recnum is used where there is one.

    \b
    Example:
      drmsmirror import hmi.sharp_720s --struct sharp.json --records sharp.csv --covers all
    """
    from drmsmirror.mirror import Mirror
    from drmsmirror.sync import import_records

    settings = read_settings(mirror, config, verbose)
    given, learnt = _definition_in(struct, series) if struct else (None, {})
    with Mirror.open_or_create(settings, announce=talk) as opened:
        definition = given or _known_definition(opened, series, records)
        report = import_records(opened, definition, records, covers=covers, learnt=learnt)
    if as_json_:
        as_json(asdict(report))
    talk(
        f"{report.series}: {report.records_new:,} new, {report.records_revised:,} revised, "
        f"{report.records_unchanged:,} unchanged."
    )
    if report.ignored:
        talk(f"Ignored, being none of the records' own keywords: {', '.join(report.ignored)}")
    if not covers:
        talk(
            "What the file holds completely was not said (--covers), so that queries are not "
            "answered from it alone; SQL sees every record."
        )


def _known_definition(mirror: Mirror, series: str, records: Path) -> SeriesDefinition:
    from drmsmirror.errors import UnknownSeriesError

    try:
        return mirror.catalogue.definition(series)
    except UnknownSeriesError:
        raise UnknownSeriesError(
            f"The mirror does not know {series}. Name a file with its definition, the answer to "
            f"series_struct:\n  drmsmirror import {series} --struct FILE --records {records}"
        ) from None


def _definition_in(struct: Path, series: str) -> tuple[SeriesDefinition, dict[str, str]]:
    import orjson

    from drmsmirror.errors import ImportDataError
    from drmsmirror.model.struct import learnt_from_struct

    try:
        answer = orjson.loads(struct.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ImportDataError(f"{struct} is not JSON: {error}") from None
    if not isinstance(answer, dict):
        raise ImportDataError(f"{struct} is no answer to series_struct: it is no JSON object")
    return learnt_from_struct(series, answer)
