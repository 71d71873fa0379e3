"""Where files are at the upstream, which is asked when it is needed and never remembered.

The partition of a storage unit changes when it comes back from tape (DRMS semantics 3.4). What is
said of a record's own storage unit says nothing of a segment that is another record's (3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, islice

from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.upstream import Upstream, is_server_path

__all__ = ["ASKED_AT_ONCE", "Place", "Where", "asked_together", "find_places", "record_set_of"]

#: Files are asked for in questions of so many records: their numbers fit into an address.
ASKED_AT_ONCE = 100

_NO_DIRECTORY = "NoDataDirectory"
_NO_SEGMENT = frozenset({"InvalidSegName", "BadSegLink"})
_NUMBER, _UNIT, _ONLINE, _ARCHIVED = "*recnum*", "*sunum*", "*online*", "*archive*"


class Where(Enum):
    """Where a file is."""

    ONLINE = "online"
    ON_TAPE = "on tape"
    LOST = "lost"
    NOWHERE = "nowhere"  #: the record has no such file, or there is no such record
    UNCLEAR = "unclear"  #: what the upstream says is no path


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file is.

    Parameters
    ----------
    where : Where
    path : str
        On the server, from its root; empty where it is not online.
    """

    where: Where
    path: str = ""


def record_set_of(files: Sequence[SegmentFile]) -> str:
    """The records of some files of one series, by number, and their segments."""
    numbers = ",".join(f"#{number}" for number in sorted({file.recnum for file in files}))
    segments = ",".join(sorted({file.segment for file in files}))
    return f"{files[0].series}[:{numbers}]{{{segments}}}"


def find_places(
    upstream: Upstream,
    files: Sequence[SegmentFile],
    linked: Callable[[str], Collection[str]],
) -> Iterator[dict[SegmentFile, Place]]:
    """Ask where files are, some at a time.

    Parameters
    ----------
    upstream : Upstream
    files : sequence of SegmentFile
        Of one generation a series, the one that is.
    linked : callable
        Names of the segments of a series that are those of other series' records.

    Raises
    ------
    UpstreamError
    """
    for some in asked_together(files):
        yield _ask(upstream, some, linked(some[0].series))


def asked_together(files: Iterable[SegmentFile]) -> Iterator[list[SegmentFile]]:
    """Files in their order, those of one series and of no more than some records at a time."""
    for _, of_series in groupby(sorted(files), lambda file: file.series):
        records = groupby(of_series, lambda file: file.recnum)
        of_record = (list(of_one) for _, of_one in records)
        while some := list(islice(of_record, ASKED_AT_ONCE)):
            yield [file for several in some for file in several]


def _ask(
    upstream: Upstream, files: Sequence[SegmentFile], elsewhere: Collection[str]
) -> dict[SegmentFile, Place]:
    segments = sorted({file.segment for file in files})
    keys = (_NUMBER, _UNIT, _ONLINE, _ARCHIVED)
    record_set = record_set_of(files).partition("{")[0]
    listed = upstream.records(record_set, keys, segments=segments)
    columns = {name: listed.table[name].to_pylist() for name in keys}
    rows = {number: row for row, number in enumerate(columns[_NUMBER])}
    paths = {name: listed.segments[name].to_pylist() for name in segments}
    places = {}
    for file in files:
        row = rows.get(file.recnum)
        if row is None:
            places[file] = Place(Where.NOWHERE)
            continue
        path = paths[file.segment][row]
        if path == _NO_DIRECTORY and file.segment in elsewhere:  # an order finds where
            places[file] = Place(Where.ON_TAPE)
            continue
        kept = (columns[_UNIT][row], columns[_ONLINE][row], columns[_ARCHIVED][row])
        places[file] = _place(path, *kept)
    return places


def _place(path: str, unit: int, online: str, archived: str) -> Place:
    if path in _NO_SEGMENT or (path == _NO_DIRECTORY and unit < 0):
        return Place(Where.NOWHERE)
    if path.endswith("/") and is_server_path(path.rstrip("/")):  # the directory, and no file in it
        return Place(Where.NOWHERE)
    if path == _NO_DIRECTORY:
        if online == "Y":  # the unit is there, and has no directory for this record
            return Place(Where.NOWHERE)
        return Place(Where.ON_TAPE if archived in ("Y", "Pending") else Where.LOST)
    if not is_server_path(path):
        return Place(Where.UNCLEAR)
    return Place(Where.ONLINE, path)
