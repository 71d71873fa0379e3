"""Files of the records of a set: which they are, and where they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from drmsmirror.client.answer import Answer
from drmsmirror.client.arguments import split_names
from drmsmirror.client.heading import Headers
from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.client.terms import Policy
from drmsmirror.client.unread import UnreadRows
from drmsmirror.client.wanted import NUMBER, FilesSlice, WantedFiles
from drmsmirror.errors import NotHeldError, QueryError, UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.objects import ObjectStore
from drmsmirror.segments import Files, HeadedFiles, Orderer, Outcome
from drmsmirror.sharing import SharedUpstream

__all__ = ["Getting", "RecordFiles"]

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
    ) -> Iterator[tuple[FilesSlice, Iterator[Outcome]]]: ...


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
            Each when its files are there. Of a large set some thousand records are looked up at a
            time, and among them there is no order: those that have nothing to wait for come first.
            The next ones are not asked for before these were given.

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
        for some, outcomes in self.fetch(wanted, again=again, as_is=as_is):
            left = some.by_record()
            found: dict[SegmentFile, Outcome] = {}
            for outcome in outcomes:
                found[outcome.file] = outcome
                files = left[outcome.file.recnum]
                if all(file in found for file in files):
                    came = [found.pop(file) for file in files]
                    yield _record(some, came, self.mirror.objects)

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
        headers = Headers.of(self.mirror, definition, names) if fits else None
        asked = [*definition.prime_keys, NUMBER, *(headers.keys if headers else ())]
        answer = self.answer(str(records), [*dict.fromkeys(asked)], n=n)
        kept_hours = self.mirror.settings.upkeep.keep_hours
        return WantedFiles.of(
            answer,
            UnreadRows(answer.batches, kept_hours),
            definition,
            names,
            _generation(self.mirror, definition.name),
            headers=headers,
            may_repeat=len(tree.sets) > 1,
        )

    def fetch(
        self: _Asking,
        wanted: WantedFiles,
        *,
        again: bool = False,
        as_is: bool = False,
        orderer: Orderer | None = None,
    ) -> Iterator[tuple[FilesSlice, Iterator[Outcome]]]:
        """Give files slice by slice, of each those first that are there; the others as they come.

        What is given with a slice is to be read to its end before the next slice is asked for.
        ``orderer`` has files brought from tape; without one whoever the client is of.
        """
        files = Files(self.mirror, self._upstream, orderer=orderer or Orderer(self._email or ""))
        get = partial(
            files.get, may_ask=self.policy is not Policy.OFFLINE, again=again, exports=not as_is
        )
        return iter(_Flow(wanted, get, HeadedFiles(self.mirror)))


class _Flow:
    """Files on their way, one slice after the other."""

    def __init__(
        self, wanted: WantedFiles, get: Callable[..., Iterator[Outcome]], headed: HeadedFiles
    ) -> None:
        self._wanted = wanted
        self._get = get
        self._headed = headed

    def __iter__(self) -> Iterator[tuple[FilesSlice, Iterator[Outcome]]]:
        for some in self._wanted.slices():
            yield some, self._outcomes(some)

    def _outcomes(self, some: FilesSlice) -> Iterator[Outcome]:
        for outcome in self._get(some.names):
            yield self._with_header(some, outcome)
            self._wanted.rows.settle()

    def _with_header(self, some: FilesSlice, outcome: Outcome) -> Outcome:
        headers = self._wanted.headers
        if headers is None:
            return outcome
        file = outcome.file
        cards = headers.cards(file.segment, some.keywords[file.recnum])
        return self._headed.of(outcome, cards)


def _record(some: FilesSlice, outcomes: Sequence[Outcome], store: ObjectStore) -> RecordFiles:
    """A record with what came of its files, which are in a store."""
    first = outcomes[0].file
    return RecordFiles(
        first.series,
        first.recnum,
        some.names[first].values,
        {one.file.segment: one for one in outcomes},
        store,
    )


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


def _generation(mirror: Mirror, series: str) -> int:
    try:
        return mirror.catalogue.state(series).generation
    except UnknownSeriesError:
        return 0
