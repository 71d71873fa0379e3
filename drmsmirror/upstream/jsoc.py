"""JSOC, or another DRMS server with the same programs: one method per remote operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from drmsmirror.errors import QueryError, UpstreamRefusedError
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream import answers
from drmsmirror.upstream.protocol import (
    Body,
    RecordText,
    SeriesEntry,
    SeriesState,
    Session,
    Traffic,
)

__all__ = ["Jsoc"]

T = TypeVar("T")

#: The database that JSOC's ``showextseries`` has to be told: the public copy.
_PUBLIC_DATABASE = "hmidb2"


class Jsoc:
    """The programs of a DRMS server (DRMS semantics 4).

    Fetching an answer and checking it is one operation, and it is this that is tried again, so a
    body that broke off or a web page in its place is fetched anew. Every method raises, besides
    what it names itself, ``UpstreamUnavailableError``, ``UpstreamOverloadedError``,
    ``UpstreamAnswerError`` and ``UpstreamRefusedError``.

    Parameters
    ----------
    settings : UpstreamSettings
        Address, rate, time-outs, retries.
    session : Session, optional
        What fetches bodies; by default a :class:`~drmsmirror.upstream.PoliteSession`.
    """

    def __init__(self, settings: UpstreamSettings, session: Session | None = None) -> None:
        from drmsmirror.upstream.retry import Retry
        from drmsmirror.upstream.session import PoliteSession

        self._session: Session = session or PoliteSession(settings)
        self._retry = Retry(settings)

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far; a run records the difference of two readings."""
        return self._session.traffic

    def series_names(self, filter: str | None = None) -> tuple[SeriesEntry, ...]:  # noqa: A002
        """List the series that the server shows to everybody.

        As the stock client does, JSOC is asked by ``showextseries``, which tells no prime keys. A
        server that does not offer it is asked by ``show_series``, which does.

        Parameters
        ----------
        filter : str, optional
            POSIX extended regular expression, found anywhere in the name, in any case; ``NOT`` and
            a blank before it invert it (DRMS semantics 4.1).
        """
        params = {"filter": filter} if filter else {}
        public = {"dbhost": _PUBLIC_DATABASE, "info": "1"} | params
        try:
            return self._ask("showextseries", public, answers.read_external_names)[0]
        except UpstreamRefusedError:
            return self._ask("show_series", params, answers.read_names)[0]

    def definition(self, series: str) -> SeriesState:
        """Read the definition of a series, and how far it has come (``series_struct``).

        Parameters
        ----------
        series : str
            Its name, in any case.

        Raises
        ------
        UnknownSeriesError
            The server has no such series.
        DefinitionError
            Its definition contradicts itself.
        """
        params = {"op": "series_struct", "ds": series}
        return self._ask("jsoc_info", params, lambda body: answers.read_state(body, series))[0]

    def count(self, recordset: str) -> int:
        """Count the records of a record set (``rs_summary``); there is no cap on this.

        Parameters
        ----------
        recordset : str

        Raises
        ------
        UnknownSeriesError
            The server has no such series, or cannot read the filters: it says the same of both.
        """
        params = {"op": "rs_summary", "ds": recordset}
        return self._ask("jsoc_info", params, lambda body: answers.read_count(body, recordset))[0]

    def records(self, recordset: str, keys: Sequence[str], *, n: int | None = None) -> RecordText:
        """List keywords of the records of a record set (``rs_list``).

        Parameters
        ----------
        recordset : str
        keys : sequence of str
            Keywords as the definition spells them, and ``*recnum*``, ``*sunum*``, ``*size*``...
        n : int, optional
            The first ``n`` records of each set, or the last ``-n``.

        Raises
        ------
        UpstreamTooLargeError
            More rows than the server gives in one answer, or no such series: it says the same of
            both (DRMS semantics 4.2.5).
        QueryError
            No keys, or what is no single key.
        """
        _check_keys(keys)
        params = {"op": "rs_list", "ds": recordset, "key": ",".join(keys)}
        if n:
            params["n"] = str(n)
        table, body = self._ask(
            "jsoc_info", params, lambda content: answers.read_records(content, recordset, keys)
        )
        return RecordText(table, table.num_rows, len(body.content), body.seconds)

    def _ask(
        self, cgi: str, params: Mapping[str, str], read: Callable[[bytes], T]
    ) -> tuple[T, Body]:
        def attempt() -> tuple[T, Body]:
            body = self._session.get(cgi, params)
            return read(body.content), body

        return self._retry(attempt)


def _check_keys(keys: Sequence[str]) -> None:
    """Each key must be answered by one column of its own name."""
    if isinstance(keys, str) or not keys:
        raise QueryError("Name the keywords to list, as a sequence of at least one")
    for key in keys:
        if not key.strip() or "," in key or key.startswith("**"):
            raise QueryError(
                f"{key!r} is not the name of one keyword; list each keyword by itself "
                f"(**ALL** can be spelled out from the definition)"
            )
