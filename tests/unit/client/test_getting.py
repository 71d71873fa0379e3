"""Files of records: which they are, fetched once, given offline ever after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.errors import NotHeldError, QueryError
from drmsmirror.segments import FileState
from drmsmirror.upstream import Jsoc
from tests.jsoc import Request, SampleJsoc
from tests.unit.sync.mirrors import series, settings_for

NAME = "hmi.sharp_720s"


@pytest.fixture
def jsoc() -> Iterator[SampleJsoc]:
    with SampleJsoc(offline_every=0) as jsoc:
        jsoc.add(series(NAME))
        yield jsoc


@pytest.fixture
def client(jsoc: SampleJsoc, tmp_path: Path) -> Iterator[Client]:
    settings = settings_for(tmp_path / "mirror", jsoc)
    with Client(settings, upstream=Jsoc(settings.upstream)) as client:
        yield client


def downloads(jsoc: SampleJsoc) -> list[Request]:
    return [one for one in jsoc.requests if one.cgi == "file"]


def with_files(jsoc: SampleJsoc) -> str:
    """A HARP whose records all have storage units that are there."""
    columns = jsoc.series(NAME).columns
    jsoc.bring_online(columns["sunum"][columns["sunum"] >= 0].tolist())
    return f"{NAME}[377]"


def test_records_come_with_paths_that_can_be_opened(client, jsoc) -> None:
    records = list(client.get(f"{with_files(jsoc)}{{magnetogram,bitmap}}", n=2))
    assert [set(record.paths) for record in records] == [{"magnetogram", "bitmap"}] * 2
    assert all(record.complete for record in records)
    for record in records:
        assert record.keys["HARPNUM"] == "377"
        for path in record.paths.values():
            assert path.read_bytes().startswith(b"SIMPLE  =")


def test_what_was_fetched_is_given_again_without_a_request(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}{{magnetogram}}"
    first = list(client.get(wanted, n=3))
    assert len(downloads(jsoc)) == 3
    jsoc.clear_requests()
    again = list(client.get(wanted, n=3))
    assert [record.paths for record in again] == [record.paths for record in first]
    assert {one.state for record in again for one in record.files.values()} == {FileState.HELD}
    assert not jsoc.requests


def test_offline_those_are_given_that_are_there(client, jsoc) -> None:
    wanted = with_files(jsoc)
    list(client.get(wanted, "magnetogram", n=1))
    with Client(client.settings, policy="offline") as offline:
        (record,) = offline.get(wanted, ["magnetogram", "bitmap"], n=1)
        assert list(record.paths) == ["magnetogram"]
        assert record.files["bitmap"].state is FileState.NOT_HELD
        with pytest.raises(NotHeldError):
            list(offline.get(f"{NAME}[4315]", "magnetogram"))


def test_without_names_all_segments_are_meant_and_names_are_found_in_any_case(client, jsoc) -> None:
    wanted = client.wanted_files(with_files(jsoc), n=1)
    assert {file.segment for file in wanted.names} == {
        one.name for one in wanted.definition.segments
    }
    (file,) = client.wanted_files(f"{NAME}[377]", "BITMAP", n=1).names
    assert file.segment == "bitmap"


@pytest.mark.parametrize(
    ("record_set", "segments", "said"),
    [
        (f"{NAME}[377],hmi.M_45s[$]", None, "2 series"),
        (f"{NAME}[377]{{nothing}}", None, "has no segment nothing; it has magnetogram"),
        (f"{NAME}[377]", "nothing", "has no segment nothing"),
    ],
)
def test_what_names_no_files_is_refused(record_set, segments, said, client, jsoc) -> None:
    with pytest.raises(QueryError, match=said):
        client.wanted_files(record_set, segments)
    assert not downloads(jsoc)


def test_records_of_a_generation_have_files_of_their_own(client, jsoc) -> None:
    """A record number can mean another record once the upstream has gone back."""
    (before,) = client.wanted_files(with_files(jsoc), "magnetogram", n=1).names
    client.mirror.catalogue.save_definition(client.definition(NAME))
    state = client.mirror.catalogue.state(NAME)
    client.mirror.catalogue.save_state(replace(state, generation=1))
    (after,) = client.wanted_files(f"{NAME}[377]", "magnetogram", n=1).names
    assert (before.recnum, before.generation, after.generation) == (after.recnum, 0, 1)
