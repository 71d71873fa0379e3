"""Files of the records of a set: which they are, and where they are now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from drmsmirror.client.answer import Answer
from drmsmirror.client.arguments import split_names
from drmsmirror.client.batches import printed_rows
from drmsmirror.client.heading import Headers
from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.client.terms import Policy
from drmsmirror.errors import NotHeldError, QueryError, UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.filenames import NamedFile
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.objects import ObjectStore
from drmsmirror.segments import Files, HeadedFiles, Orderer, Outcome
from drmsmirror.sharing import SharedUpstream

__all__ = ["Getting", "RecordFiles", "WantedFiles"]

_NUMBER = "*recnum*"
_ALL = "**ALL**"


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """The files of one record.

    Parameters
    ----------
    series : str
    recnum : int
    keys : mapping of str to str
        Its prime keys, as DRMS prints them.
    files : mapping of str to Outcome
        By segment: where the file is, or why there is none.
    store : ObjectStore
        Where the files are kept.
    """

    series: str
    recnum: int
    keys: Mapping[str, str]
    files: Mapping[str, Outcome]
    store: ObjectStore = field(repr=False, compare=False)

    @property
    def paths(self) -> dict[str, Path]:
        """By segment, the paths of the files that are there, to be opened and not written to.

        There are none in S3: :meth:`open` and :attr:`urls` lead to the files there.
        """
        return {name: one.path for name, one in self.files.items() if one.path is not None}

    @property
    def urls(self) -> dict[str, str]:
        """By segment, where the files are that are there, as ``file://`` or ``s3://``."""
        return {name: one.url for name, one in self.files.items() if one.state.is_there}

    def open(self, segment: str) -> BufferedReader:
        """Open a file to read from it, wherever it is kept; closing is the caller's.

        Parameters
        ----------
        segment : str
            One of those in :attr:`files`.

        Raises
        ------
        NotHeldError
            There is no such file; the message says why.
        NoObjectError
            It went since it was given.

        Examples
        --------
        ::

            with record.open("Br") as file:
                data = astropy.io.fits.getdata(file)
        """
        outcome = self.files.get(segment)
        if outcome is None:
            raise NotHeldError(f"{segment} was not asked for; that were {', '.join(self.files)}")
        if not outcome.state.is_there:
            raise NotHeldError(f"{outcome.file}: {outcome.state}: {outcome.message}")
        return self.store.open(outcome.sha256)

    @property
    def complete(self) -> bool:
        """Whether every file is there that was asked for."""
        return all(one.state.is_there for one in self.files.values())


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """The files that a record set names.

    Parameters
    ----------
    definition : SeriesDefinition
    names : mapping of SegmentFile to NamedFile
        Every file, in the order of the records, with what it is named after.
    answer : Answer
        Where the records came from.
    headers : Headers or None
        Where files are wanted with the header of their record: what is in it.
    """

    definition: SeriesDefinition
    names: Mapping[SegmentFile, NamedFile]
    answer: Answer = field(repr=False)
    headers: Headers | None = field(default=None, repr=False)

    def segments_of_records(self) -> dict[int, list[SegmentFile]]:
        """By record number, its files."""
        found: dict[int, list[SegmentFile]] = defaultdict(list)
        for file in self.names:
            found[file.recnum].append(file)
        return found

    def record(self, outcomes: Sequence[Outcome], store: ObjectStore) -> RecordFiles:
        """Give a record with what came of its files, which are in a store."""
        first = self.names[outcomes[0].file]
        return RecordFiles(
            self.definition.name,
            outcomes[0].file.recnum,
            first.values,
            {one.file.segment: one for one in outcomes},
            store,
        )


class _Asking(Protocol):
    """A client, as far as files need it."""

    mirror: Mirror
    policy: Policy
    _email: str | None

    @property
    def _upstream(self) -> SharedUpstream: ...

    def definition(self, ds: str) -> SeriesDefinition: ...

    def answer(self, ds: str, keys: Sequence[str], *, n: int | str | None = None) -> Answer: ...

    def wanted_files(
        self,
        ds: str,
        seg: str | Sequence[str] | None = None,
        *,
        n: int | str | None = None,
        fits: bool = False,
    ) -> WantedFiles: ...

    def fetch(
        self,
        wanted: WantedFiles,
        *,
        again: bool = False,
        as_is: bool = False,
        orderer: Orderer | None = None,
    ) -> Iterator[Outcome]: ...


@raises_as_stock
class Getting:
    """The part of a client that is about files."""

    def get(
        self: _Asking,
        ds: str,
        seg: str | Sequence[str] | None = None,
        *,
        n: int | str | None = None,
        again: bool = False,
        fits: bool = False,
        as_is: bool = False,
    ) -> Iterator[RecordFiles]:
        """Give the records of a set with their files to be opened, fetching what is missing.

        A file that cannot be had is no error: its outcome says why.

        Parameters
        ----------
        ds : str
            Record set of one series, with segments in braces or without.
        seg : str or list of str, optional
            Segments in place of those in braces; without either all.
        n : int or str, optional
            The first ``n`` records, or the last ``-n``.
        again : bool
            Whether files that could not be had lately are tried again.
        fits : bool
            Whether FITS files have the keywords of their record in the header, as those have that
            JSOC exports, or are given as JSOC stores them.
        as_is : bool
            Whether only files as JSOC stores them will do: else, in place of one that is not there,
            an exported file is given that was adopted. ``form`` of an outcome tells which it is.

        Yields
        ------
        RecordFiles
            In no order: each when its files are there.

        Raises
        ------
        QueryError
            The record set names more than one series, or a segment that the series has not.
        NotHeldError
            The policy is ``offline``, and the mirror does not know which records those are, or,
            for headers, not all of their keywords.

        Examples
        --------
        ::

            for record in client.get("hmi.sharp_cea_720s[377][2011.02.15_02:00_TAI]{Br}"):
                with record.open("Br") as file:
                    data = astropy.io.fits.getdata(file)
        """
        wanted = self.wanted_files(ds, seg, n=n, fits=fits)
        left = wanted.segments_of_records()
        found: dict[SegmentFile, Outcome] = {}
        for outcome in self.fetch(wanted, again=again, as_is=as_is):
            found[outcome.file] = outcome
            files = left[outcome.file.recnum]
            if all(file in found for file in files):
                yield wanted.record([found[file] for file in files], self.mirror.objects)

    def wanted_files(
        self: _Asking,
        ds: str,
        seg: str | Sequence[str] | None = None,
        *,
        n: int | str | None = None,
        fits: bool = False,
    ) -> WantedFiles:
        """Find out which files a record set names, as :meth:`get` takes it."""
        tree = parse_recordset(ds)
        series = {str(one.series).lower() for one in tree.sets}
        if len(series) != 1:
            raise QueryError(f"{ds} names {len(series)} series; get the files of one at a time")
        braced = [name for one in tree.sets for name in one.segments or ()]
        definition = self.definition(ds)
        names = _spelled(definition, split_names(seg) or braced)
        records = replace(tree, sets=tuple(replace(one, segments=None) for one in tree.sets))
        keys = [*definition.prime_keys, _NUMBER]
        headers = Headers.of(self.mirror, definition, names) if fits else None
        asked = dict.fromkeys([*keys, *(headers.keys if headers else ())])
        answer = self.answer(str(records), [*asked], n=n)
        batches = answer.batches if headers is None else headers.noted(answer.batches)
        rows = printed_rows(keys, batches)
        generation = _generation(self.mirror, definition.name)
        wanted: dict[SegmentFile, NamedFile] = {}
        for row, number in enumerate(rows[_NUMBER]):
            recnum = _positive(number, definition)
            values = {key: str(rows[key][row]) for key in definition.prime_keys}
            for name in names:
                file = SegmentFile(definition.name, generation, recnum, name)
                wanted[file] = NamedFile(definition, name, values, recnum)
        return WantedFiles(definition, wanted, answer, headers)

    def fetch(
        self: _Asking,
        wanted: WantedFiles,
        *,
        again: bool = False,
        as_is: bool = False,
        orderer: Orderer | None = None,
    ) -> Iterator[Outcome]:
        """Give files, those first that are there; the others as they come.

        ``orderer`` has files brought from tape; without one whoever the client is of.
        """
        orderer = orderer or Orderer(self._email or "")
        files = Files(self.mirror, self._upstream, orderer=orderer)
        may_ask = self.policy is not Policy.OFFLINE
        found = files.get(wanted.names, may_ask=may_ask, again=again, exports=not as_is)
        if wanted.headers is None:
            yield from found
            return
        headed = HeadedFiles(self.mirror)
        for outcome in found:
            yield headed.of(outcome, wanted.headers.cards(outcome.file))


def _spelled(definition: SeriesDefinition, segments: Sequence[str]) -> list[str]:
    """Segments as the definition spells them; all where none are named."""
    known = {one.name.lower(): one.name for one in definition.segments}
    if not known:
        raise QueryError(f"{definition.name} has no segments, so its records have no files")
    if not segments or _ALL in segments:
        return list(known.values())
    unknown = [name for name in segments if name.lower() not in known]
    if unknown:
        raise QueryError(
            f"{definition.name} has no segment {', '.join(unknown)}; it has "
            f"{', '.join(known.values())}"
        )
    return list(dict.fromkeys(known[name.lower()] for name in segments))


def _positive(number: object, definition: SeriesDefinition) -> int:
    recnum = int(str(number)) if number is not None else 0
    if recnum <= 0:
        raise NotHeldError(
            f"The upstream tells no record numbers of {definition.name}, by which files are known"
        )
    return recnum


def _generation(mirror: Mirror, series: str) -> int:
    try:
        return mirror.catalogue.state(series).generation
    except UnknownSeriesError:
        return 0
