"""An export that the mirror makes by itself, of files as they are or with their header.

Source: DRMS semantics 4.4.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.exportrequest import NO_FILE, WRONG, Export, ExportedFile
from drmsmirror.client.exportterms import ExportTerms
from drmsmirror.client.getting import WantedFiles
from drmsmirror.client.names import record_names
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.filenames import export_name
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments import FileState, Outcome

__all__ = ["NO_FILES", "export_of_files"]

#: What JSOC says where there is nothing to export.
NO_FILES = "There are no files in this RecordSet"


def export_of_files(
    mirror: Mirror,
    wanted: WantedFiles,
    outcomes: Mapping[SegmentFile, Outcome],
    terms: ExportTerms,
    template: str,
) -> Export:
    """What is exported of some files: those that are there.

    Parameters
    ----------
    mirror : Mirror
    wanted : WantedFiles
    outcomes : mapping of SegmentFile to Outcome
        What came of each.
    terms : ExportTerms
    template : str
        Of the names.
    """
    files = tuple(_files(mirror, wanted, outcomes, terms, template))
    lacking = "\n".join(_lacking(wanted, outcomes))
    if not any(one.sha256 for one in files):
        why = f"{NO_FILES}. {lacking}" if lacking else NO_FILES
        return Export(terms.method, terms.protocol, WRONG, message=why)
    return Export(terms.method, terms.protocol, files=files, lacking=lacking)


def _lacking(wanted: WantedFiles, outcomes: Mapping[SegmentFile, Outcome]) -> Iterator[str]:
    """What an export lacks, in words."""
    if not wanted.answer.complete:
        yield wanted.answer.missing
    missing = [
        one
        for one in outcomes.values()
        if not one.state.is_there and one.state is not FileState.NO_FILE
    ]
    if missing:
        yield (
            f"{len(missing):,} of {len(outcomes):,} files could not be had. {missing[0].file}: "
            f"{missing[0].message}"
        )


def _files(
    mirror: Mirror,
    wanted: WantedFiles,
    outcomes: Mapping[SegmentFile, Outcome],
    terms: ExportTerms,
    template: str,
) -> Iterator[ExportedFile]:
    """The lines of an export, as JSOC writes them."""
    is_as_is, is_quick = terms.protocol == "as-is", terms.method == "url_quick"
    records = _records(mirror, wanted)
    number = 0
    for file, named in wanted.names.items():
        outcome = outcomes[file]
        record = records[file.recnum] + (f"{{{file.segment}}}" if is_as_is else "")
        if outcome.state is FileState.NO_FILE and is_as_is:
            yield ExportedFile(record, NO_FILE, NO_FILE)
        if not outcome.state.is_there:
            continue
        name = outcome.file_name
        if not is_quick:
            name = export_name(replace(named, stored_name=name), template, number)
        number += 1
        shown = str(outcome.path or outcome.url) if is_quick else name
        yield ExportedFile(
            record, shown, name, outcome.sha256, outcome.size_bytes, outcome.path, outcome.url
        )


def _records(mirror: Mirror, wanted: WantedFiles) -> dict[int, str]:
    """By record number, what DRMS calls the record."""
    named = {file.recnum: one for file, one in wanted.names.items()}
    texts = PrintedRows({"*recnum*": [*map(str, named)]})
    for key in wanted.definition.prime_keys:
        texts[key] = [one.values[key] for one in named.values()]
    formats: Mapping[str, str] = {}
    with suppress(UnknownSeriesError):
        formats = mirror.catalogue.codecs(wanted.definition.name)
    return dict(zip(named, record_names(wanted.definition, texts, formats), strict=True))
