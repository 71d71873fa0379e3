"""Take in records that somebody already has: a CSV or Parquet file, or a recorded answer.

What a file holds completely only its owner knows: coverage is what the caller states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drmsmirror.catalogue import RunKind
from drmsmirror.catalogue.hold import holding_series
from drmsmirror.errors import ImportDataError, QueryError
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import extent_of
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import find_repeat
from drmsmirror.runs import recorded_run
from drmsmirror.sync.adopting import adopt_additions
from drmsmirror.sync.parts import refuse_what_is_no_part
from drmsmirror.sync.progress import Meter, Progress, Reporter, SilentReporter
from drmsmirror.sync.recordfile import RecordFile
from drmsmirror.sync.store import WindowStore

__all__ = ["ImportReport", "import_records"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Parameters
    ----------
    series : str
    records_new, records_revised, records_unchanged : int
        Records of the file, by what became of them.
    ignored : tuple of str
        Columns of the file that are no keyword of the series.
    covers : str
        What is held completely now by the caller's word; empty where nothing was stated.
    """

    series: str
    records_new: int
    records_revised: int
    records_unchanged: int
    ignored: tuple[str, ...]
    covers: str


def import_records(
    mirror: Mirror,
    definition: SeriesDefinition,
    file: Path,
    *,
    covers: str | None = None,
    learnt: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
) -> ImportReport:
    """Merge the records of a file into the mirror.

    Parameters
    ----------
    mirror : Mirror
    definition : SeriesDefinition
        Of the series. Where it gives a keyword's print format, values of the file are taken as
        values and print by it; formats of other keywords are learnt from the texts.
    file : Path
        ``.csv``, ``.parquet``, or ``.json`` with the answer to an ``rs_list``. Columns are named
        by keyword or by column of DRMS's table. Texts are values as DRMS prints them, times also
        seconds since 1977.01.01_TAI; sentinels and nulls both mean missing. ``recnum`` is used
        where it is there.
    covers : str, optional
        What the file holds completely: ``all``, or a record set of the series.
    learnt : mapping of str to str, optional
        By keyword, formats that another mirror has learnt; what this one has learnt goes first.
    reporter : Reporter, optional
        Hears how far it has come.

    Raises
    ------
    ImportDataError
        The file is none of these, lacks a prime key, holds what is no value of a keyword, or has
        a record twice. Nothing is changed then.
    """
    stated = _stated(definition, covers)
    formats = dict(learnt or {}) | _formats_learnt(mirror, definition)
    source = RecordFile.open(definition, file, formats)
    _refuse_narrower(mirror, source)
    _refuse_repeats(source)
    with holding_series(mirror.catalogue, definition.name) as lease:
        adopt_additions(mirror, definition, "")
        with recorded_run(mirror, definition.name, f"import {file.name}", RunKind.IMPORT) as run:
            store = WindowStore(mirror, definition, run.id, lease, formats)
            _keep_all(store, source, stated, reporter or SilentReporter())
            store.finish()
    return ImportReport(
        definition.name,
        store.totals.records_new,
        store.totals.records_revised,
        store.totals.records_unchanged,
        source.ignored,
        covers or "",
    )


def _keep_all(
    store: WindowStore, source: RecordFile, stated: Sequence[BoundSet], reporter: Reporter
) -> None:
    """Merge the file chunk by chunk; the last one brings the caller's statement with it."""
    meter = Meter()
    if not store.has_table:
        store.make_table(source.rows, source.days())
    done, largest = 0, 0
    for chunk in source.chunks():
        if chunk.is_last:
            largest = max(largest, chunk.largest_recnum)
            entries = [entry for one in stated for entry in _entries(store, one, source, largest)]
        else:
            entries = []
        store.keep(chunk.rows, entries)
        largest = max(largest, chunk.largest_recnum)
        done += chunk.rows.num_rows
        reporter.window(
            Progress(
                source.definition.name,
                f"row {done}",
                done,
                source.rows - done,
                meter.rate(done),
            )
        )


def _stated(definition: SeriesDefinition, covers: str | None) -> tuple[BoundSet, ...]:
    """What the caller says that the file holds completely.

    ``all`` is every version of every record, a record set what it asks for.
    """
    if covers is None:
        return ()
    if covers.strip().lower() == "all":
        return bind(parse_recordset(f"{definition.name}[:#-#]"), lambda _: definition).sets
    tree = parse_recordset(covers)
    if any(str(part.series).lower() != definition.name.lower() for part in tree.sets):
        raise QueryError(f"What the file covers is 'all' or a record set of {definition.name}")
    bound = bind(tree, lambda _: definition)
    refuse_what_is_no_part(bound)
    return bound.sets


def _formats_learnt(mirror: Mirror, definition: SeriesDefinition) -> dict[str, str]:
    """Formats that the mirror has learnt of a series; none where it does not know it."""
    name = definition.name
    return mirror.catalogue.codecs(name) if mirror.catalogue.knows(name) else {}


def _refuse_narrower(mirror: Mirror, source: RecordFile) -> None:
    """A file with fewer keywords than are held would leave holes in what is held completely."""
    name = source.definition.name
    if not mirror.catalogue.knows(name):
        return
    claimed = {column for entry in mirror.catalogue.coverage(name) for column in entry.columns}
    lacking = sorted(claimed - source.columns)
    if lacking:
        shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if lacking[5:] else "")
        raise ImportDataError(
            f"{source.path} has no column for {shown}, which the mirror holds of {name}: importing "
            f"it would leave holes. Add the columns, or import it into another mirror (--mirror)"
        )


def _refuse_repeats(source: RecordFile) -> None:
    """Which of two that are the same record is right only the owner of the file knows."""
    if repeat := find_repeat(source.identities()):
        what = "recnum" if source.identity == ("recnum",) else "prime keys"
        raise ImportDataError(
            f"{source.path}: records {repeat[0]} and {repeat[1]} have the same {what}. Nothing was "
            f"imported; leave one of them out, or give each version of a record its recnum"
        )


def _entries(
    store: WindowStore, stated: BoundSet, source: RecordFile, largest_recnum: int
) -> list[CoverageEntry]:
    """What is held then; without record numbers a file has one version of each record."""
    has_versions = stated.all_versions and source.has_recnums
    return [
        CoverageEntry(
            interval=extent.interval,
            restriction=extent.restriction,
            columns=source.columns,
            versions=Versions.ALL if has_versions else Versions.LATEST,
            generation=store.generation,
            as_of_recnum=largest_recnum,
            as_of_utc=source.written_utc,
        )
        for extent in extent_of(stated)
    ]
