"""What the programs under ``/cgi-bin/ajax/`` answer, and with which error (semantics 4.2.5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from . import answers
from .answers import Answer
from .errors import NotCovered, QueryError, SplitError, SqlError, UnknownSeries
from .exports import Exports
from .faults import FaultKind, wrapper_error
from .records import Series
from .shelf import Shelf

__all__ = ["Holdings", "Reply", "Request", "not_found", "respond"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was served.

    Attributes
    ----------
    cgi, op, ds : str
        Program, operation and record-set query (empty when not given); for a file ``file``,
        nothing, and its path.
    params : mapping
        All parameters, decoded once.
    method : str
    status : int
        HTTP status.
    started, ended : float
        ``time.monotonic()`` when the request line was read, and just before the last of the body
        went out.
    rows : int
        Records in the answer.
    bytes : int
        Bytes of body sent.
    range, if_range : str
        Those headers (empty when not given).
    fault : FaultKind or None
        The fault that was applied.
    refusal : str
        Name of the exception behind an error body, with its text: ``NotCovered: ...``.
    """

    cgi: str
    op: str
    ds: str
    params: Mapping[str, str]
    method: str = "GET"
    status: int = 200
    started: float = 0.0
    ended: float = 0.0
    rows: int = 0
    bytes: int = 0
    range: str = ""
    if_range: str = ""
    fault: FaultKind | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send."""

    body: bytes
    rows: int = 0
    status: int = 200
    content_type: str = "application/json"
    refusal: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Holdings(Protocol):
    """What the programs need to know."""

    shelf: Shelf
    exports: Exports
    registered: Callable[[str], bool]

    def series(self, name: str) -> Series:
        """The series of a name, or `UnknownSeries`."""

    def all_series(self) -> list[Series]:
        """Every series."""

    def cap_of(self, series: Series) -> int:
        """Row cap of a series."""


def not_found() -> Reply:
    """The page of a path where nothing lies."""
    page = b"<html><body><h1>Not Found</h1></body></html>\n"
    return Reply(page, status=404, content_type="text/html", refusal="NotFound")


def respond(holdings: Holdings, asked: Request) -> Reply:
    """The answer to a request: never an exception, errors are answers."""
    try:
        answer = _answer(holdings, asked, lambda: time.monotonic() - asked.started)
    except KeyError:
        return not_found()
    except QueryError as error:
        return Reply(_error_body(asked, error) + b"\n", refusal=f"{type(error).__name__}: {error}")
    return Reply(answer.body + b"\n", answer.rows)  # every recorded body ends so


def _answer(holdings: Holdings, asked: Request, runtime: Callable[[], float]) -> Answer:
    params = asked.params
    if asked.cgi == "show_series":
        return answers.show_series(holdings.all_series(), params.get("filter", ""))
    if asked.cgi == "showextseries":
        return answers.show_ext_series(holdings.all_series(), params)
    if asked.cgi == "checkAddress.sh":
        return answers.check_address(params.get("address", ""), holdings.registered)
    if asked.cgi == "jsoc_fetch":
        return holdings.exports.answer(params)
    if asked.cgi != "jsoc_info":
        raise KeyError(asked.cgi)
    return _jsoc_info(holdings, asked, runtime)


def _failure(text: str) -> Answer:
    return Answer(answers.dump({"status": 1, "error": text}).encode())


def _jsoc_info(holdings: Holdings, asked: Request, runtime: Callable[[], float]) -> Answer:
    params = asked.params
    if not asked.op or not asked.ds:
        return _failure("missing required argument " + ("ds" if asked.op else "op"))
    limit = params.get("n") or "0"
    if not limit.lstrip("+-").isdigit():
        return _failure(f"invalid argument n={limit}")
    if asked.op == "series_struct":
        series = answers.series_of(asked.ds, holdings.series)
        return answers.series_struct(series, runtime(), params.get("o") == "1")
    if asked.op == "rs_summary":
        return answers.rs_summary(asked.ds, holdings.series, int(limit), runtime)
    if asked.op != "rs_list":
        return _failure("invalid operation")
    if not (params.get("key") or params.get("seg") or params.get("link")):
        return _failure("Invalid key list: key, seg or link needed")
    return answers.rs_list(
        asked.ds, holdings.series, params, holdings.cap_of, holdings.shelf, runtime
    )


def _error_body(asked: Request, error: QueryError) -> bytes:
    """Which error a client sees (DRMS semantics 4.2.5).

    What cannot be cut into sets, and what this sample does not cover, is the wrapper's status 4;
    PostgreSQL's complaints come verbatim; everything else is "series not found".
    """
    if isinstance(error, SplitError | NotCovered):
        return wrapper_error(asked.ds)
    if isinstance(error, UnknownSeries) and "." not in str(error):
        return b'{"status": 4, "error": "Invalid series name."}'
    if isinstance(error, SqlError):
        return answers.dump({"status": 1, "error": f"{error}\n"}).encode()
    if asked.op == "series_struct":
        return b'{"status":1,"error":"series not found"}'
    return b'{"status":1,"error":" jsoc_info: series not found."}'
