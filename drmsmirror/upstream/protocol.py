"""What an upstream does and what it gives back; services are written against these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from drmsmirror.upstream.deadline import NEVER, Deadline

if TYPE_CHECKING:
    import pyarrow as pa

    from drmsmirror.model.series import SeriesDefinition

__all__ = [
    "Body",
    "KeySample",
    "OrderReply",
    "OrderStage",
    "OrderTerms",
    "OrderedFile",
    "Receiver",
    "RecordText",
    "SeriesEntry",
    "SeriesState",
    "Session",
    "Traffic",
    "Upstream",
]

#: What DRMS prints for a key that it does not know or cannot follow (DRMS semantics 2.2).
INVALID_KEY = "Invalid KeyLink"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has been asked of a server so far; the difference of two is what one run asked.

    Parameters
    ----------
    requests : int
        HTTP requests sent, retries and redirects included.
    bytes : int
        Bytes of bodies received, after decompression.
    seconds : float
        Time between sending requests and having their last bytes, seconds. Waiting for the rate
        limit or before a retry does not count.
    """

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.requests + other.requests, self.bytes + other.bytes, self.seconds + other.seconds
        )

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.requests - other.requests, self.bytes - other.bytes, self.seconds - other.seconds
        )


@dataclass(frozen=True, slots=True)
class Body:
    """A body that arrived whole, not looked into yet.

    Parameters
    ----------
    content : bytes
    seconds : float
        From sending the request to the last byte, seconds.
    url : str
        Where it was asked for, without the query.
    """

    content: bytes
    seconds: float
    url: str


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One series in a list of series.

    Parameters
    ----------
    name : str
        Canonical spelling.
    prime_keys : tuple of str or None
        External names; None where the list does not say.
    note : str
        One line of description.
    """

    name: str
    prime_keys: tuple[str, ...] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SeriesState:
    """A series as it is now.

    Parameters
    ----------
    definition : SeriesDefinition
    max_recnum : int or None
        Largest record number; 0 for a series without records, None where the server does not say.
    first_record, last_record : str
        The first and last record as record sets (``hmi.M_45s[2010.04.01_00:00:00_TAI][2]``); empty
        where there is none, or where the server does not say.
    """

    definition: SeriesDefinition
    max_recnum: int | None = None
    first_record: str = ""
    last_record: str = ""


def _no_columns() -> pa.Table:
    import pyarrow as pa

    return pa.table({})


@dataclass(frozen=True, slots=True)
class RecordText:
    """Records as the server printed them.

    Parameters
    ----------
    table : pyarrow.Table
        One column per key, named as asked for and in that order: ``string`` as printed, without
        nulls; ``*recnum*`` and ``*sunum*`` are ``int64``.
    rows : int
        How many records.
    body_bytes : int
        Size of the answer, bytes.
    seconds : float
        Time that the answer took, seconds.
    segments : pyarrow.Table
        One column per segment: where its file is, ``NoDataDirectory`` where it is on tape,
        ``InvalidSegName`` where there is no such segment; ``string`` without nulls. No columns
        where none were asked for.
    links : pyarrow.Table
        One column per link: the record that it leads to, ``Invalid_Link`` where there is none.
    """

    table: pa.Table
    rows: int
    body_bytes: int
    seconds: float
    segments: pa.Table = field(default_factory=_no_columns)
    links: pa.Table = field(default_factory=_no_columns)

    @property
    def invalid_keys(self) -> tuple[str, ...]:
        """Keys whose every value is ``Invalid KeyLink``.

        The series has no such keyword, or (DRMS prints the same) it is read through a link that
        leads nowhere; only somebody who knows the definition can tell (DRMS semantics 2.2).
        """
        return tuple(
            name
            for name, column in zip(self.table.column_names, self.table.columns, strict=True)
            if self.rows
            and column[0].as_py() == INVALID_KEY
            and column.unique().to_pylist() == [INVALID_KEY]
        )


@dataclass(frozen=True, slots=True)
class KeySample:
    """Which keys a server gives, seen on some records.

    Parameters
    ----------
    rows : int
        How many records; none say nothing.
    given : frozenset of str
        Keys that have a value of their kind in each of them.
    """

    rows: int
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class OrderedFile:
    """A file that an order gives.

    Parameters
    ----------
    record : str
        The record that it belongs to, as a record set.
    path : str
        On the server, from its root.
    """

    record: str
    path: str


class OrderStage(Enum):
    """How an order of files stands."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OrderReply:
    """What the server says of an order of files (DRMS semantics 4.4.3).

    Parameters
    ----------
    stage : OrderStage
    request_id : str
        What it calls the order; empty where it gave the files at once.
    status : int
        In its own numbers.
    message : str
        In its own words, where it has some.
    wait : float
        Seconds after which it wants to be asked again, where it says so; else 0.
    files : tuple of OrderedFile
        Of one that is ready; of one that was packed, the archive alone.
    protocol : str
        Of one that is ready: in which form the files are, where it says so.
    """

    stage: OrderStage
    request_id: str
    status: int
    message: str = ""
    wait: float = 0.0
    files: tuple[OrderedFile, ...] = ()
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How files are ordered (DRMS semantics 4.4.1).

    Parameters
    ----------
    email : str
        Registered at the server.
    method : str
        ``url_quick``, ``url``.
    protocol : str
        ``as-is``, ``fits``.
    file_names : str
        Template of their names; empty for the server's own.
    process : str
        What is done to them before: ``n=0|im_patch,...``; empty for nothing.
    """

    email: str
    method: str = "url_quick"
    protocol: str = "as-is"
    file_names: str = ""
    process: str = ""


class Receiver(Protocol):
    """Takes a file in as it comes, and keeps it where the connection breaks."""

    @property
    def size_bytes(self) -> int:
        """How much of it is there."""

    @property
    def validator(self) -> str:
        """By which the server knows the version that is there; empty where it cannot go on."""

    def restart(self) -> None:
        """Throw away what is there."""

    def begin(self, start: int, total: int | None, validator: str) -> None:
        """Learn what comes: from where on, how long the whole is, and of which version."""

    def append(self, content: bytes) -> None:
        """Take what came next."""


class Session(Protocol):
    """What fetches bodies."""

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far."""

    def get(self, cgi: str, params: Mapping[str, str], deadline: Deadline = NEVER) -> Body:
        """Fetch the whole answer of one of the server's programs, in time."""

    def download(self, path: str, receiver: Receiver, deadline: Deadline = NEVER) -> None:
        """Fetch a file, or what is missing of it, handing it on as it comes, in time."""


class Upstream(Protocol):
    """The remote operations that services need; tests pass their own."""

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far."""

    def within(self, seconds: float) -> Upstream:
        """Give the same server, whose operations together end within so many seconds from now."""

    def series_names(self, filter: str | None = None) -> tuple[SeriesEntry, ...]:  # noqa: A002
        """List the series whose name matches."""

    def definition(self, series: str) -> SeriesState:
        """Read the definition of a series, and how far it has come."""

    def count(self, recordset: str) -> int:
        """Count the records of a record set."""

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
        """List keywords, segments and links of the records of a record set."""

    def sample_keys(self, recordset: str, keys: Sequence[str], *, n: int) -> KeySample:
        """Find out on the first ``n`` records of a set which of some keys the server gives."""

    def is_registered(self, address: str) -> bool:
        """Whether an e-mail address is registered for exports."""

    def download(self, path: str, receiver: Receiver) -> None:
        """Fetch a file, or what is missing of it, handing it on as it comes."""

    def order(self, recordset: str, terms: OrderTerms) -> OrderReply:
        """Order the files of a record set."""

    def order_state(self, request_id: str) -> OrderReply:
        """Ask how an order stands."""
