"""An export that JSOC makes: of processed files, or one that somebody ordered there.

Processed files are known by their records, by number, and by what is done to them, in one form:
however that was written, it is ordered once, and given from the mirror afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from drmsmirror.client.exportrequest import READY, WAITING, WRONG, Export, ExportedFile
from drmsmirror.client.exportterms import ExportTerms
from drmsmirror.client.terms import Policy
from drmsmirror.errors import NotHeldError, QueryError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments import Processed, Processing, ResultFile
from drmsmirror.segments.ordering import HOW_TO_REGISTER, Errand
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import OrderStage

__all__ = ["OrderedExport", "errand_of"]

#: Longest record set that is ordered by record numbers: a request has to fit into an address.
_LONGEST = 4000
_STATUS = {OrderStage.READY: READY, OrderStage.PENDING: WAITING, OrderStage.FAILED: WRONG}
_NO_ADDRESS = f"JSOC processes files for registered e-mail addresses only. {HOW_TO_REGISTER}"


class _Asking(Protocol):
    """A client, as far as orders need it."""

    mirror: Mirror
    policy: Policy

    @property
    def _upstream(self) -> SharedUpstream: ...


@dataclass(frozen=True, slots=True)
class OrderedExport:
    """An export that JSOC makes once, and whose files are kept.

    Parameters
    ----------
    processing : Processing
    digest : str
        What its files are known by.
    what : str
        The same for a person.
    terms : ExportTerms
    may_ask : bool
        Whether the upstream may be asked.
    go_on : callable
        Takes a step with the order, and says how it stands then.
    lacking : str
        What of the records was not known; they are not in it.
    """

    processing: Processing
    digest: str
    what: str
    terms: ExportTerms
    may_ask: bool
    go_on: Callable[[], Processed]
    lacking: str = ""

    @classmethod
    def of_processed(
        cls,
        client: _Asking,
        files: Sequence[SegmentFile],
        terms: ExportTerms,
        errand: Errand,
        email: str,
        lacking: str,
    ) -> OrderedExport:
        """An order of processed files.

        Parameters
        ----------
        client : Client
        files : sequence of SegmentFile
            Those that are processed, of one series.
        terms : ExportTerms
        errand : Errand
            Which brings them.
        email : str
            The address that they are ordered for; empty where there is none.
        lacking : str
            What of the records is not known.
        """
        processing = _processing(client)
        series = files[0].series
        numbers = [(one.generation, one.recnum, one.segment) for one in files]
        known_by = (series.lower(), numbers, terms.protocol, terms.process, errand.file_names)

        def go_on() -> Processed:
            if not email:
                raise QueryError(_NO_ADDRESS)
            return processing.step(digest, errand, email)

        digest = _digest("processed", client.mirror.settings.upstream.url, *known_by)
        what = f"the files of {series} processed by {terms.process}"
        may_ask = client.policy is not Policy.OFFLINE
        return cls(processing, digest, what, terms, may_ask, go_on, lacking)

    @classmethod
    def numbered(cls, client: _Asking, request_id: str) -> OrderedExport:
        """An order of which only the number is known."""
        processing = _processing(client)
        digest = _digest("order", client.mirror.settings.upstream.url, request_id)
        return cls(
            processing,
            digest,
            f"the files of the order {request_id}",
            ExportTerms("url", ""),
            client.policy is not Policy.OFFLINE,
            lambda: processing.follow(digest, request_id),
        )

    def stands(self) -> Export:
        """How it stands; where its files are not there yet, after another step.

        Raises
        ------
        NotHeldError
            The upstream would have to be asked, and may not.
        QueryError
            There is no address to order for.
        UpstreamError, FitsError
        """
        done = self.processing.held(self.digest)
        if done is None and not self.may_ask:
            raise NotHeldError(
                f"The mirror does not hold {self.what}, and the upstream was not to be asked. "
                f"Ask once with the policy auto; they are kept then"
            )
        done = done or self.go_on()
        return Export(
            self.terms.method,
            self.terms.protocol or done.protocol,
            done.status or _STATUS[done.stage],
            tuple(map(_exported, done.files)),
            done.request_id,
            done.message,
            self.lacking,
        )


def errand_of(
    files: Sequence[SegmentFile], terms: ExportTerms, template: str, written: str, n: int
) -> Errand:
    """What JSOC is to be asked for: records by number, since what else they are called can change.

    Parameters
    ----------
    files : sequence of SegmentFile
        Of one series.
    terms : ExportTerms
    template : str
        Of the names of the files.
    written : str
        The record set as it was written, for records that are too many to name.
    n : int
        How many of them are meant, as clients say it.
    """
    numbers = ",".join(dict.fromkeys(f"#{file.recnum}" for file in files))
    segments = ",".join(dict.fromkeys(file.segment for file in files))
    records, limit = f"{files[0].series}[:{numbers}]{{{segments}}}", 0
    if len(records) > _LONGEST:
        records, limit = written.strip(), n
    return Errand(records, (terms.method,), terms.protocol, f"{limit}|{terms.process}", template)


def _exported(file: ResultFile) -> ExportedFile:
    is_archive = not file.record
    shown = str(file.path or file.url) if is_archive else file.file_name
    return ExportedFile(
        file.record, shown, file.file_name, file.sha256, file.size_bytes, file.path, file.url
    )


def _processing(client: _Asking) -> Processing:
    return Processing(client.mirror, client._upstream)  # noqa: SLF001 - it is a part of the client


def _digest(*known_by: object) -> str:
    return hashlib.sha256(orjson.dumps(known_by)).hexdigest()
