"""JSOC, or another DRMS server with the same programs: one method per remote operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote_plus

from drmsmirror.errors import QueryError, UpstreamRefusedError
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream import answers
from drmsmirror.upstream.deadline import NEVER, Deadline
from drmsmirror.upstream.orders import read_reply
from drmsmirror.upstream.protocol import (
    Body,
    KeySample,
    OrderReply,
    OrderTerms,
    Receiver,
    RecordText,
    SeriesEntry,
    SeriesState,
    Session,
    Traffic,
)

if TYPE_CHECKING:
    from drmsmirror.upstream.retry import Retry

__all__ = ["Jsoc"]

T = TypeVar("T")

#: What the parameters of ``rs_list`` name.
_KINDS = {"key": "keyword", "seg": "segment", "link": "link"}
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
    session : Session or callable, optional
        What fetches bodies, or gives it when it is needed; by default a
        :class:`~drmsmirror.upstream.PoliteSession`.
    deadline : Deadline, optional
        When all operations have to have ended; see :meth:`within`.
    """

    def __init__(
        self,
        settings: UpstreamSettings,
        session: Session | Callable[[], Session] | None = None,
        *,
        deadline: Deadline = NEVER,
    ) -> None:
        self._settings = settings
        self._opened = session
        self._deadline = deadline

    @cached_property
    def _session(self) -> Session:
        """The connection; what it needs is loaded when the first question is asked."""
        from drmsmirror.upstream.session import PoliteSession

        if self._opened is None:
            return PoliteSession(self._settings)
        return self._opened() if callable(self._opened) else self._opened

    @cached_property
    def _retry(self) -> Retry:
        from drmsmirror.upstream.retry import Retry

        return Retry(self._settings)

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far; a run records the difference of two readings."""
        return self._session.traffic

    def within(self, seconds: float) -> Jsoc:
        """Give the same server, whose operations together end within so many seconds from now.

        Waiting for a turn, connecting, the whole body, retries and the waits between them: nothing
        of it goes on longer. Connection, rate and traffic are shared with this one.

        Parameters
        ----------
        seconds : float
            What is allowed; of one that is bounded already, the earlier end counts.
        """
        deadline = self._deadline.earlier(Deadline.within(seconds))
        return Jsoc(self._settings, lambda: self._session, deadline=deadline)

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

    def records(
        self,
        recordset: str,
        keys: Sequence[str],
        *,
        segments: Sequence[str] = (),
        links: Sequence[str] = (),
        n: int | None = None,
        all_digits: bool = False,
    ) -> RecordText:
        """List keywords, segments and links of the records of a record set (``rs_list``).

        Parameters
        ----------
        recordset : str
        keys : sequence of str
            Keywords as the definition spells them, and ``*recnum*``, ``*sunum*``, ``*size*``...
        segments, links : sequence of str, optional
            Names as the definition spells them.
        n : int, optional
            The first ``n`` records of each set, or the last ``-n``.
        all_digits : bool
            Ask for values with all the digits that they have (``M=1``) in place of those of their
            keyword's format; a server may pay no heed to it.

        Raises
        ------
        UpstreamTooLargeError
            More rows than the server gives in one answer, or no such series: it says the same of
            both (DRMS semantics 4.2.5).
        QueryError
            Nothing to list, or what is no single name.
        """
        wanted = {"key": keys, "seg": segments, "link": links}
        _check_names(wanted)
        params = {"op": "rs_list", "ds": recordset}
        params |= {parameter: ",".join(names) for parameter, names in wanted.items() if names}
        if n:
            params["n"] = str(n)
        if all_digits:
            params["M"] = "1"
        listed, body = self._ask(
            "jsoc_info",
            params,
            lambda content: answers.read_records(content, recordset, keys, segments, links),
        )
        return RecordText(
            listed.keys,
            listed.rows,
            len(body.content),
            body.seconds,
            segments=listed.segments,
            links=listed.links,
        )

    def sample_keys(self, recordset: str, keys: Sequence[str], *, n: int) -> KeySample:
        """Find out which of some keys the server gives (``rs_list``).

        A key that it leaves out of its answer, or answers with ``Invalid KeyLink``, with nothing
        or with what is no value of its kind, is not given.

        Parameters
        ----------
        recordset : str
        keys : sequence of str
        n : int
            Records on which to try, the first ones.
        """
        _check_names({"key": keys})
        params = {"op": "rs_list", "ds": recordset, "key": ",".join(keys), "n": str(n)}
        return self._ask(
            "jsoc_info", params, lambda body: answers.read_sample(body, recordset, keys)
        )[0]

    def is_registered(self, address: str) -> bool:
        """Whether an e-mail address is registered for exports (``checkAddress.sh``).

        Parameters
        ----------
        address : str
        """
        # the program decodes it twice (DRMS semantics 4.3)
        params = {"address": quote_plus(address), "checkonly": "1"}
        return self._ask("checkAddress.sh", params, answers.read_registered)[0]

    def download(self, path: str, receiver: Receiver) -> None:
        """Fetch a file, or what is missing of it, handing it on as it comes.

        Where the connection breaks, it goes on where that was.

        Parameters
        ----------
        path : str
            On the server, from its root.
        receiver : Receiver
        """
        self._retry(lambda: self._session.download(path, receiver, self._deadline), self._deadline)

    def order(self, recordset: str, terms: OrderTerms) -> OrderReply:
        """Order the files of a record set (``jsoc_fetch``, ``op=exp_request``).

        Parameters
        ----------
        recordset : str
            With the segments in it.
        terms : OrderTerms

        Raises
        ------
        UpstreamRefusedError
            The server does not know the address, or wants fewer orders from it at a time.
        """
        params = {
            "op": "exp_request",
            "format": "json",
            "ds": recordset,
            "notify": terms.email,
            "method": terms.method,
            "protocol": terms.protocol,
        }
        if terms.file_names:
            params["filenamefmt"] = terms.file_names
        params["process=n"] = terms.process or "0"  # that is its name (DRMS semantics 4.4.1)
        return self._ask("jsoc_fetch", params, lambda body: read_reply(body, recordset))[0]

    def order_state(self, request_id: str) -> OrderReply:
        """Ask how an order stands (``jsoc_fetch``, ``op=exp_status``).

        Parameters
        ----------
        request_id : str
            What the server called it.
        """
        params = {"op": "exp_status", "requestid": request_id}
        return self._ask("jsoc_fetch", params, lambda body: read_reply(body, request_id))[0]

    def _ask(
        self, cgi: str, params: Mapping[str, str], read: Callable[[bytes], T]
    ) -> tuple[T, Body]:
        def attempt() -> tuple[T, Body]:
            body = self._session.get(cgi, params, self._deadline)
            return read(body.content), body

        return self._retry(attempt, self._deadline)


def _check_names(wanted: Mapping[str, Sequence[str]]) -> None:
    """Each name must be answered by one column of its own name."""
    if any(isinstance(names, str) for names in wanted.values()) or not any(wanted.values()):
        raise QueryError("Name the keywords, segments or links to list, as a sequence of them")
    for parameter, names in wanted.items():
        for name in names:
            if not name.strip() or "," in name or name.startswith("**"):
                kind = _KINDS[parameter]
                raise QueryError(
                    f"{name!r} is not the name of one {kind}; list each {kind} by itself "
                    f"(**ALL** can be spelled out from the definition)"
                )
