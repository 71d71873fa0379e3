"""What ``drms.Client`` has for exports: the address that JSOC knows, and files of a record set.

Files as they are, and with the header of their record, come from the mirror: nothing is ordered.
Those that are to be processed are ordered from JSOC, once, and kept.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from drmsmirror.client.exported import NO_FILES, export_of_files
from drmsmirror.client.exportorders import OrderedExport, errand_of
from drmsmirror.client.exportrequest import WRONG, Export, ExportRequest
from drmsmirror.client.exportterms import ExportTerms
from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.client.terms import PartialAnswerWarning, Policy
from drmsmirror.errors import QueryError, UnknownSeriesError, UnsupportedError
from drmsmirror.mirror import Mirror
from drmsmirror.model.filenames import default_template
from drmsmirror.model.recordset import RecordSet, SeriesSet, SqlFilter, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.segments import Orderer

if TYPE_CHECKING:
    from drmsmirror.client.wanted import FilesSlice, WantedFiles, WantedRecord
    from drmsmirror.segments import Outcome
    from drmsmirror.sharing import SharedUpstream

__all__ = ["Exporting", "with_images"]

#: How JSOC names files where it is given no template.
_JSOC_NAMES = "{seriesname}.{recnum:%lld}.{segment}"
#: JSOC exports no records without an image, unless the record set itself speaks of that
#: (DRMS semantics 4.4.2).
_QUALITY = "quality"
_HAS_IMAGE = SqlFilter("QUALITY >= 0")


class _Asking(Protocol):
    """A client, as far as exports need it."""

    mirror: Mirror
    policy: Policy
    _email: str | None

    @property
    def _upstream(self) -> SharedUpstream: ...

    def check_email(self, email: str) -> bool: ...

    def definition(self, ds: str) -> SeriesDefinition: ...

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
class Exporting:
    """The part of a client that is about exports."""

    _email: str | None = None

    @property
    def email(self: _Asking) -> str | None:
        """Address for exports; setting it checks that JSOC knows it.

        The one that was given to the constructor is kept without being checked: a client of a
        mirror has to work while JSOC is away.
        """
        return self._email

    @email.setter
    def email(self: _Asking, address: str | None) -> None:
        if address is not None and not self.check_email(address):
            raise QueryError(
                f"The e-mail address {address!r} is invalid or not registered for exports. "
                f"Register it at http://jsoc.stanford.edu/ajax/register_email.html"
            )
        self._email = address

    def check_email(self: _Asking, email: str) -> bool:
        """Whether an address is registered for exports.

        Parameters
        ----------
        email : str

        Raises
        ------
        UnsupportedError
            The policy is ``offline``: only the upstream knows.
        """
        if self.policy is Policy.OFFLINE:
            raise UnsupportedError(
                f"Only the upstream knows whether {email!r} is registered, and the policy is "
                f"offline. Leave the address out, or use the policy auto"
            )
        return self._upstream.is_registered(email)

    def export(
        self: _Asking,
        ds: str,
        *,
        method: str = "url_quick",
        protocol: str = "as-is",
        protocol_args: Mapping[str, object] | None = None,
        filenamefmt: str | bool | None = None,
        n: int | None = None,
        email: str | None = None,
        requester: str | bool | None = None,  # noqa: ARG002 - the stock client's
        process: Mapping[str, Mapping[str, object]] | None = None,
    ) -> ExportRequest:
        """Give the files of a record set, as JSOC exports them.

        Without ``process`` they come from the mirror, fetched where they are missing: that takes
        no address, and the request that is returned is ready. What cannot be had is not in it, of
        which a warning tells. Processed files are ordered from JSOC, one order at a time, and
        kept: the same order is given from the mirror from then on.

        Parameters
        ----------
        ds : str
            Record set of one series, with segments in braces or without.
        method : str
            ``url_quick`` or ``url``; ``url-tar`` gives the files unpacked, as ``url``.
        protocol : str
            ``as-is``, or ``fits``, with the keywords of the record in the header.
        protocol_args : mapping, optional
            Of images, which only JSOC makes.
        filenamefmt : str or bool, optional
            Template of the names; False for JSOC's own, None for one of the prime keys.
        n : int, optional
            The first ``n`` records, or the last ``-n``.
        email : str, optional
            For orders, in place of :attr:`email` and of the settings.
        requester : str or bool, optional
            Not used.
        process : mapping, optional
            Steps of processing by name, each with its arguments.

        Raises
        ------
        QueryError
            An argument is unknown, or there is no address to order for. What is wrong with the
            record set is said when the files are wanted, as JSOC says it.
        UnsupportedError
            Images and films.
        NotHeldError
            The policy is ``offline``, and the mirror does not know the records, or has no such
            processed files.
        """
        terms = ExportTerms.of(method, protocol, protocol_args, process)
        again: Callable[[], Export] | None = None
        limit = int(n or 0)
        try:
            wanted = _exportable(self, ds, limit, terms)
            template = _template(wanted.definition, filenamefmt)
            if terms.process:
                files = tuple(wanted.files())
                errand = errand_of(files, terms, template, ds, limit)
                address = email or self._email or self.mirror.settings.segments.email
                lacking = wanted.answer.missing
                ordered = OrderedExport.of_processed(self, files, terms, errand, address, lacking)
                again = ordered.stands
            else:
                is_as_is = terms.protocol == "as-is"
                orderer = Orderer(email or self._email or "")
                fetched = self.fetch(wanted, as_is=is_as_is, orderer=orderer)
                export = export_of_files(self.mirror, wanted, fetched, terms, template)
        except (QueryError, UnknownSeriesError) as error:
            export = Export(terms.method, terms.protocol, WRONG, message=str(error), cause=error)
        if again is not None:
            export = again()
        if export.lacking:
            warnings.warn(PartialAnswerWarning(export.lacking), stacklevel=3)
        return ExportRequest(export, self.mirror.objects, self.definition, again)

    def export_from_id(self: _Asking, requestid: str) -> ExportRequest:
        """Go on with an order that was made at JSOC, whoever made it.

        Its files are downloaded once it is ready, and kept.

        Parameters
        ----------
        requestid : str
            JSOC's number of it.

        Raises
        ------
        NotHeldError
            The policy is ``offline``, and its files were never fetched.
        UpstreamError
        """
        again = OrderedExport.numbered(self, requestid).stands
        export = replace(again(), request_id=requestid)
        return ExportRequest(export, self.mirror.objects, self.definition, again)


def _exportable(client: _Asking, ds: str, n: int, terms: ExportTerms) -> WantedFiles:
    """The files that JSOC exports of a record set."""
    tree = with_images(client.definition(ds), parse_recordset(ds))
    by_set = n if n and len(tree.sets) == 1 else None  # of several sets JSOC counts all together
    fits = terms.protocol == "fits" and not terms.process
    wanted = client.wanted_files(str(tree), n=by_set, fits=fits)
    records = wanted.records if by_set else _limited(wanted.records, n)
    first = next(records, None)
    if first is None:
        raise QueryError(NO_FILES)
    return replace(wanted, records=chain([first], records))


def _limited(records: Iterator[WantedRecord], n: int) -> Iterator[WantedRecord]:
    """The first ``n`` records, or the last ``-n``; all where it is 0."""
    if n < 0:
        return iter(deque(records, maxlen=-n))
    return islice(records, n or None)


def with_images(definition: SeriesDefinition, tree: RecordSet) -> RecordSet:
    """A record set without the records that JSOC does not export."""
    quality = definition.find(_QUALITY)
    if quality is None or quality.is_constant or quality.link is not None:
        return tree  # no condition can speak of it
    sets = [
        one if _speaks_of_quality(one) else replace(one, filters=(*one.filters, _HAS_IMAGE))
        for one in tree.sets
    ]
    return replace(tree, sets=tuple(sets))


def _speaks_of_quality(one: SeriesSet) -> bool:
    return any(isinstance(f, SqlFilter) and _QUALITY in f.text.lower() for f in one.filters)


def _template(definition: SeriesDefinition, filenamefmt: str | bool | None) -> str:
    if isinstance(filenamefmt, str) and filenamefmt:
        return filenamefmt
    return default_template(definition) if filenamefmt is None else _JSOC_NAMES
