"""Files of a record set in slices, and rows that are read at any pace."""

from __future__ import annotations

import errno
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from astropy.io import fits

from drmsmirror.client import Client
from drmsmirror.client.batches import Batch, PrintedRows
from drmsmirror.client.unread import UnreadRows
from drmsmirror.client.wanted import WantedFiles, WantedRecord
from drmsmirror.errors import NoSpaceError
from drmsmirror.records import select, slices
from drmsmirror.segments import FileState, Outcome
from drmsmirror.sync import sync
from drmsmirror.upstream import Deadline, Jsoc
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"
KEYS = ("T_REC", "CAMERA", "*recnum*")


def wanted(client: Client, *keys: str) -> WantedFiles:
    """Files of records with some prime keys, numbered in their order."""
    known = client.wanted_files(NAME)
    records = [WantedRecord(number, {"T_REC": key}) for number, key in enumerate(keys, 1)]
    return WantedFiles(known.definition, known.segments, 0, known.answer, iter(records), known.rows)


@pytest.fixture
def client(held: Copy) -> Iterator[Client]:
    with Client(held.settings, policy="offline") as client:
        yield client


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ("", []),
        ("ab", [2]),
        ("abc", [2, 1]),
        ("abbbc", [4, 1]),  # the versions of a record stay together
        ("aabb", [2, 2]),
    ],
)
def test_slices_have_whole_records_and_say_which_is_the_last(
    keys: str, sizes: list[int], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", 2)
    slices = list(wanted(client, *keys).slices())
    assert [len(one.names) for one in slices] == sizes
    assert [one.is_last for one in slices] == [False] * (len(sizes) - 1) + [True] * bool(sizes)


def test_records_without_prime_keys_are_parted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", 1)
    known = client.wanted_files(NAME)
    records = iter([WantedRecord(1, {}), WantedRecord(2, {})])
    files = WantedFiles(known.definition, known.segments, 0, known.answer, records, known.rows)
    assert [len(one.names) for one in files.slices()] == [1, 1]


def test_an_outcome_waits_only_for_those_before_it(client: Client) -> None:
    (some,) = wanted(client, *"abc").slices()
    a, b, c = (Outcome(file, FileState.HELD) for file in some.names)
    read: list[Outcome] = []

    def coming() -> Iterator[Outcome]:
        for one in (b, a, c):
            read.append(one)
            yield one

    ordered = some.in_order(coming())
    assert (next(ordered), read) == (a, [b, a])
    assert (next(ordered), read) == (b, [b, a])
    assert (next(ordered), read) == (c, [b, a, c])


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_a_record_that_several_sets_name_is_wanted_once(
    at_once: int, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", at_once)
    once = [file.recnum for file in client.wanted_files(NAME).files()]
    assert len(once) == 150
    twice = client.wanted_files(f"{NAME}[#^],{NAME},{NAME}[#$],{NAME}").files()
    assert [file.recnum for file in twice] == once


# ---------------------------------------------------------------- rows that are put aside


class Ticking:
    """A clock that is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def texts(batches: Iterator[Batch]) -> list[dict[str, Any]]:
    return [{key: batch[key] for key in KEYS} for batch in batches]


def some_batches(client: Client) -> Iterator[Batch]:
    """Stored rows, and after the first of them printed ones."""
    (batch,) = client.answer(NAME, KEYS).batches
    first, *others = batch.pieces(40)
    assert len(others) == 3
    yield first
    yield PrintedRows({key: list(first[key]) for key in KEYS})  # type: ignore[misc]
    yield from others


def test_rows_are_put_aside_when_reading_them_takes_long(client: Client) -> None:
    expected = texts(some_batches(client))
    clock, read = Ticking(), itertools.count()
    source = (batch for batch in some_batches(client) if next(read) >= 0)
    rows = UnreadRows(source, clock=clock)
    rows.settle()
    given = texts(itertools.islice(rows, 1))
    clock.now = 3000.0
    rows.settle()
    assert next(read) == 1
    clock.now = 4000.0
    rows.settle()
    assert next(source, None) is None  # nothing is left where files can go
    clock.now = 9000.0
    rows.settle()
    assert given + texts(rows) == expected


def test_where_there_is_no_room_to_put_rows_aside_it_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    clock = Ticking()
    rows = UnreadRows(some_batches(client), clock=clock)
    next(rows)
    clock.now = 4000.0
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(NoSpaceError, match=tempfile.gettempdir()):
        rows.settle()


# ---------------------------------------------------------------- slices that are fetched


@pytest.fixture
def online(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Client, SampleJsoc]]:
    """Give a mirror of six records, whose files are looked up in twos."""
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", 2)
    served = series(NAME, 6)
    served = replace(served, definition=replace(served.definition, archive=1))
    with SampleJsoc([served], offline_every=0) as jsoc:
        settings = settings_for(
            tmp_path / "mirror", jsoc, segments={"email": "a@example.org", "order_wait": 1.0}
        )
        with Client(settings) as client:
            sync(client.mirror, Jsoc(settings.upstream), NAME)
            jsoc.clear_requests()
            yield client, jsoc


def test_the_next_records_are_not_asked_for_before_the_first_were_given(online) -> None:
    client, jsoc = online
    coming = client.get(NAME)
    assert jsoc.requests == []
    for number in range(6):
        assert next(coming).complete
        downloads = [one for one in jsoc.requests if one.cgi == "file"]
        assert number < len(downloads) <= number // 2 * 2 + 2
        assert len([one for one in jsoc.requests if one.op == "rs_list"]) == number // 2 + 1
    assert list(coming) == []


def test_with_headers_each_slice_has_the_keywords_of_its_own_records(online) -> None:
    client, _ = online
    told = {
        record.recnum: fits.getheader(record.paths["magnetogram"], 1)["RECNUM"]
        for record in client.get(NAME, fits=True)
    }
    assert len(told) == 6
    assert all(header == recnum for recnum, header in told.items())


def test_an_order_that_was_waited_for_in_vain_is_not_waited_for_with_the_next_slice(
    online, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, jsoc = online
    jsoc.take_offline(jsoc.sunums(NAME, jsoc.series(NAME).columns["recnum"].tolist()))
    jsoc.exports.polls = 10**6
    waited = []

    def within(seconds: float) -> Deadline:
        waited.append(seconds)
        return Deadline.within(seconds)

    monkeypatch.setattr("drmsmirror.segments.files.Deadline", SimpleNamespace(within=within))
    states = [record.files["magnetogram"].state for record in client.get(NAME)]
    assert states == [FileState.ORDERED] * 6
    assert waited == [1.0, 0.0, 0.0]


def test_an_export_has_the_files_of_all_slices_in_order(online) -> None:
    client, _ = online
    every = client.export(NAME).data["record"].tolist()
    assert len(every) == 6
    both = f"{NAME}[#^],{NAME}"
    for n, which in ((5, slice(5)), (1, slice(1)), (-1, slice(-1, None)), (-5, slice(1, None))):
        assert client.export(NAME, n=n).data["record"].tolist() == every[which]
        assert client.export(both, n=n).data["record"].tolist() == every[which]


def test_files_of_records_may_go_while_their_files_are_fetched(
    online, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (slices, select):
        monkeypatch.setattr(module, "SLICE", 2)
    monkeypatch.setattr("drmsmirror.client.unread._LONG", 0.0)
    client, _ = online
    coming = client.get(NAME)
    came = [next(coming), next(coming)]
    shutil.rmtree(client.mirror.root / "records")
    assert len({record.recnum for record in [*came, *coming]}) == 6
