"""An export that the mirror makes by itself, of files as they are or with their header.

Source: DRMS semantics 4.4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.exportrequest import NO_FILE, WRONG, Export, ExportedFile
from drmsmirror.client.exportterms import ExportTerms
from drmsmirror.client.names import record_names
from drmsmirror.client.wanted import FilesSlice, WantedFiles
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.filenames import export_name
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.segments import FileState, Outcome

__all__ = ["NO_FILES", "export_of_files"]

#: What JSOC says where there is nothing to export.
NO_FILES = "There are no files in this RecordSet"


@dataclass(slots=True)
class _Missing:
    """What could not be had."""

    files: int = 0
    missing: int = 0
    first: Outcome | None = None

    def note(self, outcome: Outcome) -> None:
        """Count a file."""
        self.files += 1
        if not outcome.state.is_there and outcome.state is not FileState.NO_FILE:
            self.missing += 1
            self.first = self.first or outcome

    def __str__(self) -> str:
        if self.first is None:
            return ""
        return (
            f"{self.missing:,} of {self.files:,} files could not be had. {self.first.file}: "
            f"{self.first.message}"
        )


def export_of_files(
    mirror: Mirror,
    wanted: WantedFiles,
    fetched: Iterable[tuple[FilesSlice, Iterator[Outcome]]],
    terms: ExportTerms,
    template: str,
) -> Export:
    """What is exported of some files: those that are there.

    Parameters
    ----------
    mirror : Mirror
    wanted : WantedFiles
    fetched : iterable of tuple
        Its files slice by slice, each with what came of them.
    terms : ExportTerms
    template : str
        Of the names.
    """
    missing = _Missing()
    files = tuple(_files(mirror, wanted.definition, fetched, terms, template, missing))
    known = "" if wanted.answer.complete else wanted.answer.missing
    lacking = "\n".join(filter(None, (known, str(missing))))
    if not any(one.sha256 for one in files):
        why = f"{NO_FILES}. {lacking}" if lacking else NO_FILES
        return Export(terms.method, terms.protocol, WRONG, message=why)
    return Export(terms.method, terms.protocol, files=files, lacking=lacking)


def _files(
    mirror: Mirror,
    definition: SeriesDefinition,
    fetched: Iterable[tuple[FilesSlice, Iterator[Outcome]]],
    terms: ExportTerms,
    template: str,
    missing: _Missing,
) -> Iterator[ExportedFile]:
    """The lines of an export, as JSOC writes them."""
    is_as_is, is_quick = terms.protocol == "as-is", terms.method == "url_quick"
    formats: Mapping[str, str] = {}
    with suppress(UnknownSeriesError):
        formats = mirror.catalogue.codecs(definition.name)
    number = 0
    for some, outcomes in fetched:
        records = _records(definition, some, formats)
        for outcome in some.in_order(outcomes):
            missing.note(outcome)
            file, named = outcome.file, some.names[outcome.file]
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
                record,
                shown,
                name,
                outcome.sha256,
                outcome.size_bytes,
                outcome.path,
                outcome.url,
            )


def _records(
    definition: SeriesDefinition, some: FilesSlice, formats: Mapping[str, str]
) -> dict[int, str]:
    """By record number, what DRMS calls the record."""
    named = {file.recnum: one for file, one in some.names.items()}
    texts = PrintedRows({"*recnum*": [*map(str, named)]})
    for key in definition.prime_keys:
        texts[key] = [one.values[key] for one in named.values()]
    return dict(zip(named, record_names(definition, texts, formats), strict=True))
