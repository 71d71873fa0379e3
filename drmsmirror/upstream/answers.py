"""From the bytes of an answer to what they say, or to an error: where trust in the upstream ends.

Everything that was recorded from JSOC besides good answers (empty bodies, web pages, stray letters,
error bodies under HTTP 200) raises here, and so does whatever contradicts itself or the request.
"No records" is believed only when the server says so. Sources: DRMS semantics 4.1, 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from drmsmirror.errors import (
    ImportDataError,
    UpstreamAnswerError,
    UpstreamNumbersError,
    UpstreamRefusedError,
)
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.upstream.complaints import Asked, Operation, raise_complaint, shortened
from drmsmirror.upstream.protocol import INVALID_KEY, KeySample, SeriesEntry, SeriesState

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Listed",
    "read_count",
    "read_external_names",
    "read_names",
    "read_recorded",
    "read_records",
    "read_registered",
    "read_sample",
    "read_state",
]

#: Keys whose values are JSON numbers; all others are strings (DRMS semantics 4.2.4).
_RECORD_NUMBER = "*recnum*"
_NUMBER_KEYS = frozenset({_RECORD_NUMBER, "*sunum*"})
#: What stands in Interval where a series has no records.
_NO_RECORD = "NA"
#: Status of an address that is registered (DRMS semantics 4.3).
_REGISTERED = 2
_LISTS = ("primekeys", "keywords", "segments", "links")
_ATTRIBUTES = ("retention", "stagingretention", "unitsize", "archive", "tapegroup")
#: What show_series prints of no series at all, and its failures: neither is JSON.
_NO_NAMES = re.compile(rb'\s*\],\s*"n"\s*:\s*0\s*\}\s*')
_NAMES_FAILED = re.compile(rb'\s*\{"status":1,"errmsg":([^"].*)\}\s*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list of records says.

    Parameters
    ----------
    rows : int
        How many records.
    keys, segments, links : pyarrow.Table
        As in ``RecordText``.
    """

    rows: int
    keys: pa.Table
    segments: pa.Table
    links: pa.Table


def read_names(body: bytes) -> tuple[SeriesEntry, ...]:
    """Read the answer of ``show_series``.

    Raises
    ------
    UpstreamError
        The server complains, or the answer is no list of series.
    """
    asked = Asked(Operation.NAMES)
    if _NO_NAMES.fullmatch(body):
        return ()
    if failed := _NAMES_FAILED.fullmatch(body):
        raise_complaint(asked, 1, failed[1].decode("latin-1"))
    answer = _read_good(body, asked)
    entries = _list_of_objects(answer, "names", asked)
    if answer.get("n", len(entries)) != len(entries):
        raise _contradiction(asked, f"it says n = {answer['n']} and lists {len(entries)} names")
    return tuple(
        SeriesEntry(
            name=_text(entry, "name", asked),
            prime_keys=_split(_text(entry, "primekeys", asked, "")),
            note=_text(entry, "note", asked, ""),
        )
        for entry in entries
    )


def read_external_names(body: bytes) -> tuple[SeriesEntry, ...]:
    """Read the answer of ``showextseries``: names, or objects of one name and its description.

    Raises
    ------
    UpstreamError
        The server complains, or the answer is no list of series.
    """
    asked = Asked(Operation.NAMES)
    answer = _read_object(body, asked)
    if complaint := answer.get("errMsg"):
        raise UpstreamRefusedError(
            f"The upstream refuses {asked}; it says {shortened(str(complaint))!r}."
        )
    listed = answer.get("seriesList")
    if not isinstance(listed, list):
        raise _contradiction(asked, "it has no seriesList")
    return tuple(_external_entry(item, asked) for item in listed)


def read_state(body: bytes, series: str) -> SeriesState:
    """Read the answer to ``op=series_struct``.

    Parameters
    ----------
    body : bytes
    series : str
        Name of the series.

    Raises
    ------
    UnknownSeriesError
        The server does not know the series.
    UpstreamError
        It complains otherwise, or members that every definition has are absent.
    DefinitionError
        The definition arrived but contradicts itself, or has a type unknown to DRMS: asking again
        would not help.
    """
    asked = Asked(Operation.DEFINITION, series)
    answer = _read_good(body, asked)
    for member in _LISTS:
        if not isinstance(answer.get(member), list):
            raise _contradiction(asked, f"it has no list of {member}")
    for member in _ATTRIBUTES:
        if member in answer and not _is_int(answer[member]):
            raise _contradiction(asked, f"{member} is {answer[member]!r}, which is no number")
    # x_series and x_formats are for our own files; what a server would say there is not believed
    known = {name: value for name, value in answer.items() if not name.startswith("x_")}
    definition = definition_from_struct(series, known)
    for key in definition.internal_prime_keys:
        if definition.column(key) is None:
            raise _contradiction(asked, f"it has no keyword {key}, by which records are known")
    return SeriesState(definition, *_interval(answer, asked))


def read_count(body: bytes, recordset: str) -> int:
    """Read the answer to ``op=rs_summary``.

    Parameters
    ----------
    body : bytes
    recordset : str
        What was counted.

    Raises
    ------
    UnknownSeriesError
        The server does not know the series.
    UpstreamError
        It complains otherwise, or there is no count.
    """
    asked = Asked(Operation.COUNT, recordset)
    return _count(_read_good(body, asked), asked)


def read_records(
    body: bytes,
    recordset: str,
    keys: Sequence[str],
    segments: Sequence[str] = (),
    links: Sequence[str] = (),
) -> Listed:
    """Read the answer to ``op=rs_list``.

    Parameters
    ----------
    body : bytes
    recordset : str
        What was listed.
    keys, segments, links : sequence of str
        The names that were asked for, in order.

    Returns
    -------
    Listed
        Without rows, the same columns.

    Raises
    ------
    UpstreamTooLargeError
        More rows than the server gives, or no such series: it says the same of both.
    UpstreamError
        The server complains otherwise, or the columns are not those asked for, not of one length,
        or not of the kind they have to be.
    """
    asked = Asked(Operation.RECORDS, recordset)
    answer = _read_good(body, asked)
    return Listed(
        _count(answer, asked),
        _table(answer, "keywords", keys, asked),
        _table(answer, "segments", segments, asked),
        _table(answer, "links", links, asked),
    )


def read_sample(body: bytes, recordset: str, keys: Sequence[str]) -> KeySample:
    """Read an answer to ``op=rs_list`` for which of some keys it has.

    Parameters
    ----------
    body : bytes
    recordset : str
        What was listed.
    keys : sequence of str
        The names that were asked for.

    Raises
    ------
    UpstreamError
        The server complains, or this is no list of records.
    """
    asked = Asked(Operation.RECORDS, recordset)
    answer = _read_good(body, asked)
    rows = _count(answer, asked)
    if not rows:
        return KeySample(0, frozenset())
    columns = {
        entry.get("name"): entry.get("values")
        for entry in _list_of_objects(answer, "keywords", asked)
    }
    given = {key for key in keys if _is_given(key, columns.get(key), rows)}
    return KeySample(rows, frozenset(given))


def _is_given(key: str, values: object, rows: int) -> bool:
    """Whether a key has a value of its kind for each record; a record number is its own."""
    if not isinstance(values, list) or len(values) != rows:
        return False
    if key == _RECORD_NUMBER:
        numbers = {value for value in values if _is_int(value) and value > 0}
        return len(numbers) == rows
    if key in _NUMBER_KEYS:
        return all(_is_int(value) for value in values)
    return all(isinstance(value, str) for value in values) and set(values) != {INVALID_KEY}


def read_recorded(body: bytes, source: str) -> pa.Table:
    """Read a recorded answer to ``op=rs_list``, whatever keys were asked for.

    Parameters
    ----------
    body : bytes
    source : str
        The file that it comes from, for messages.

    Raises
    ------
    ImportDataError
        It is a recorded complaint, or nothing that :func:`read_records` would take for data.
    """
    asked = Asked(Operation.RECORDED, source)
    answer = _read_object(body, asked)
    if _status(answer, asked) != 0:
        said = shortened(repr(answer.get("error")))
        raise ImportDataError(f"{source} holds no records, but a complaint of the server: {said}")
    listed = answer.get("keywords") or []
    keys = [str(entry.get("name")) for entry in listed if isinstance(entry, dict)]
    return _table(answer, "keywords", keys, asked)


def _table(answer: dict[str, Any], member: str, wanted: Sequence[str], asked: Asked) -> pa.Table:
    """The columns of keywords, segments or links; nobody looks for what was not asked for."""
    import pyarrow as pa

    rows = _count(answer, asked)
    if rows == 0 and not answer.get(member):
        columns: list[list[Any]] = [[] for _ in wanted]
    else:
        columns = _columns(answer, member, wanted, asked) if wanted else []
    arrays: list[pa.Array[Any]] = []
    for index, name in enumerate(wanted):
        is_number = member == "keywords" and name in _NUMBER_KEYS
        arrays.append(_array(name, columns[index], rows, asked, is_number=is_number))
        columns[index] = []  # the strings of one column are let go before those of the next
    return pa.Table.from_arrays(arrays, names=list(wanted))


def _columns(
    answer: dict[str, Any], member: str, wanted: Sequence[str], asked: Asked
) -> list[list[Any]]:
    entries = _list_of_objects(answer, member, asked)
    names = [entry.get("name") for entry in entries]
    if names != list(wanted):
        lacking = [name for name in wanted if name not in names]
        what = f"{lacking[0]} is not among them" if lacking else "names or order differ"
        raise _contradiction(asked, f"its {member} are not those asked for: {what}")
    # popped, so that the answer does not hold every string until the end
    return [entry.pop("values", None) for entry in entries]


def _array(key: str, values: object, rows: int, asked: Asked, *, is_number: bool) -> pa.Array[Any]:
    import pyarrow as pa

    if not isinstance(values, list):
        raise _contradiction(asked, f"{key} has no values")
    if len(values) != rows:
        raise _contradiction(asked, f"{key} has {len(values)} values for {rows} records")
    if is_number and not set(map(type, values)) <= {int}:  # Arrow would take true and 1.0 as well
        raise _contradiction(asked, f"{key} has values that are no numbers", lacks_numbers=True)
    try:
        array: pa.Array[Any] = pa.array(values, pa.int64() if is_number else pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise _contradiction(asked, f"{key} has a value of the wrong kind: {error}") from None
    if array.null_count:
        raise _contradiction(asked, f"{key} has {array.null_count} null values")
    return array


def read_registered(body: bytes) -> bool:
    """Read the answer of ``checkAddress.sh``: whether the address is registered for exports.

    Raises
    ------
    UpstreamError
        The server complains, or the answer has no status.
    """
    asked = Asked(Operation.ADDRESS)
    answer = _read_object(body, asked)
    status = answer.get("status")
    if isinstance(status, str) and status.strip().lstrip("-").isdecimal():
        status = int(status)
    if not _is_int(status):
        raise _contradiction(asked, f"its status is {status!r}")
    if "error" in answer:  # a wrapper's failure, whose numbers mean something else
        raise_complaint(asked, status, str(answer["error"]))
    return status == _REGISTERED


def _interval(answer: dict[str, Any], asked: Asked) -> tuple[int | None, str, str]:
    """Largest recnum, first and last record (DRMS semantics 4.2.2).

    A server without record numbers leaves the first out, or gives what is none.
    """
    interval = answer.get("Interval")
    if interval is None:
        return None, "", ""
    if not isinstance(interval, dict):
        raise _contradiction(asked, "its Interval is no object")
    recnum = interval.get("MaxRecnum")
    ends = [_text(interval, member, asked, "") for member in ("FirstRecord", "LastRecord")]
    first, last = ("" if end == _NO_RECORD else end for end in ends)
    is_empty = ends == [_NO_RECORD, _NO_RECORD]
    if recnum in (None, "", _NO_RECORD):
        return 0 if is_empty and recnum else None, first, last
    if not _is_int(recnum):
        raise _contradiction(asked, f"its MaxRecnum is {recnum!r}")
    is_none = recnum < 0 or (recnum == 0 and bool(first or last))
    return None if is_none else recnum, first, last


def _external_entry(item: object, asked: Asked) -> SeriesEntry:
    if isinstance(item, str):
        return SeriesEntry(item)
    if isinstance(item, dict) and len(item) == 1:
        name, about = next(iter(item.items()))
        if isinstance(about, dict):
            return SeriesEntry(name, note=_text(about, "description", asked, ""))
    raise _contradiction(asked, f"{shortened(repr(item))} in its seriesList is no series")


def _read_good(body: bytes, asked: Asked) -> dict[str, Any]:
    """Parse an answer whose status is 0."""
    answer = _read_object(body, asked)
    if (status := _status(answer, asked)) != 0:
        text = answer.get("error", answer.get("errmsg"))
        raise_complaint(asked, status, "" if text is None else str(text))
    return answer


def _read_object(body: bytes, asked: Asked) -> dict[str, Any]:
    if not body.strip():
        raise _contradiction(asked, "it is empty, which does not mean that there are no records")
    try:
        answer = orjson.loads(_utf8(body))
    except orjson.JSONDecodeError as error:
        start = shortened(body[:60].decode("latin-1"))
        kind = "a web page" if body.lstrip().startswith(b"<") else f"no JSON ({error})"
        raise _contradiction(asked, f"it is {kind} and begins {start!r}") from None
    if not isinstance(answer, dict):
        raise _contradiction(asked, "it is no JSON object")
    return answer


def _utf8(body: bytes) -> bytes:
    """Give the body in UTF-8; DRMS has Latin-1 bytes in places (DRMS semantics 4.0)."""
    if body.isascii():
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1").encode("utf-8")
    return body


def _status(answer: dict[str, Any], asked: Asked) -> int:
    status = answer.get("status")
    if not _is_int(status):
        raise _contradiction(asked, f"its status is {status!r}")
    return status


def _count(answer: dict[str, Any], asked: Asked) -> int:
    count = answer.get("count")
    if not _is_int(count) or count < 0:
        raise _contradiction(asked, f"its count is {count!r}")
    return count


def _list_of_objects(answer: dict[str, Any], member: str, asked: Asked) -> list[dict[str, Any]]:
    entries = answer.get(member)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _contradiction(asked, f"it has no list of {member}")
    return entries


def _text(entry: dict[str, Any], member: str, asked: Asked, default: str | None = None) -> str:
    text = entry.get(member, default)
    if not isinstance(text, str):
        raise _contradiction(asked, f"{member} is {shortened(repr(text))}, which is no text")
    return text


def _split(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())


def _is_int(value: object) -> TypeGuard[int]:
    """Whether this is a JSON integer: neither ``true`` nor ``"1"``."""
    return type(value) is int


def _contradiction(
    asked: Asked, what: str, *, lacks_numbers: bool = False
) -> UpstreamAnswerError | ImportDataError:
    if asked.operation is Operation.RECORDED:
        return ImportDataError(f"{asked.subject} is no recorded answer to rs_list: {what}")
    error = UpstreamNumbersError if lacks_numbers else UpstreamAnswerError
    return error(
        f"The upstream's answer for {asked} cannot be used: {what}. Nothing of it was kept; try "
        f"again later."
    )
