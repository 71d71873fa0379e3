"""Files of records: which they are, fetched once, given offline ever after."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from drmsmirror.catalogue import MadeFiles
from drmsmirror.cli.get import command
from drmsmirror.client import Client
from drmsmirror.errors import FitsError, NotHeldError, QueryError, UpstreamTimeoutError
from drmsmirror.model.fitsnames import is_structural
from drmsmirror.segments import FileState
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import Request, SampleJsoc
from tests.unit.segments.cache import flip
from tests.unit.sync.mirrors import Copy, series, settings_for

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
        for name, path in record.paths.items():
            assert path.read_bytes().startswith(b"SIMPLE  =")
            assert record.urls[name] == path.as_uri()
            with record.open(name) as file:
                assert file.read() == path.read_bytes()


def test_what_was_fetched_is_given_again_without_a_request(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}{{magnetogram}}"
    first = list(client.get(wanted, n=3))
    assert len(downloads(jsoc)) == 3
    jsoc.clear_requests()
    again = list(client.get(wanted, n=3))
    assert [record.paths for record in again] == [record.paths for record in first]
    assert {one.state for record in again for one in record.files.values()} == {FileState.HELD}
    assert not jsoc.requests


def test_the_time_for_a_question_bounds_how_records_are_found_and_not_their_files(
    client, jsoc
) -> None:
    wanted = with_files(jsoc)
    with (
        Client(client.settings, wait=1e-6) as hasty,
        pytest.raises(UpstreamTimeoutError, match=r"--wait SECONDS"),
    ):
        hasty.wanted_files(wanted, "magnetogram", n=1)
    sync(client.mirror, Jsoc(client.settings.upstream), wanted)
    with Client(client.settings, wait=1e-6) as hasty:
        (record,) = hasty.get(wanted, "magnetogram", n=1)
    assert record.files["magnetogram"].state is FileState.FETCHED
    (wait,) = (one for one in command.params if one.name == "wait")
    assert "It does not bound their files" in wait.help


def test_offline_those_are_given_that_are_there(client, jsoc) -> None:
    wanted = with_files(jsoc)
    list(client.get(wanted, "magnetogram", n=1))
    with Client(client.settings, policy="offline") as offline:
        (record,) = offline.get(wanted, ["magnetogram", "bitmap"], n=1)
        assert list(record.paths) == ["magnetogram"]
        assert record.files["bitmap"].state is FileState.NOT_HELD
        assert list(record.urls) == ["magnetogram"]
        with pytest.raises(NotHeldError, match=r"bitmap.*: not held: the mirror does not hold it"):
            record.open("bitmap")
        with pytest.raises(NotHeldError, match="conf_disambig was not asked for"):
            record.open("conf_disambig")
        with pytest.raises(NotHeldError):
            list(offline.get(f"{NAME}[4315]", "magnetogram"))


def test_offline_a_query_for_segments_tells_names_that_are_known(client, jsoc) -> None:
    wanted = with_files(jsoc)
    sync(client.mirror, Jsoc(client.settings.upstream), wanted)
    numbers = client.query(wanted, key="*recnum*, *sunum*", n=2)
    first, second = numbers["*sunum*"]
    jsoc.shelf.name_file(NAME, int(numbers["*recnum*"][0]), "magnetogram", "renamed.dat")
    list(client.get(wanted, "magnetogram", n=1))
    with Client(client.settings, policy="offline") as offline:
        paths = offline.query(wanted, seg="magnetogram", n=2).magnetogram.tolist()
    assert paths == [
        f"/SUM0/D{first}/S00000/renamed.dat",
        f"/SUM0/D{second}/S00000/magnetogram.fits",
    ]


def test_without_names_all_segments_are_meant_and_names_are_found_in_any_case(client, jsoc) -> None:
    wanted = client.wanted_files(with_files(jsoc), n=1)
    assert {file.segment for file in wanted.files()} == {
        one.name for one in wanted.definition.segments
    }
    (file,) = client.wanted_files(f"{NAME}[377]", "BITMAP", n=1).files()
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
    (before,) = client.wanted_files(with_files(jsoc), "magnetogram", n=1).files()
    client.mirror.catalogue.save_definition(client.definition(NAME))
    state = client.mirror.catalogue.state(NAME)
    client.mirror.catalogue.save_state(replace(state, generation=1))
    (after,) = client.wanted_files(f"{NAME}[377]", "magnetogram", n=1).files()
    assert (before.recnum, before.generation, after.generation) == (after.recnum, 0, 1)


# ---------------------------------------------------------------- with headers


def exported(jsoc: SampleJsoc, record_set: str) -> dict[str, bytes]:
    """By name, the files that an export of the sample gives."""
    params = {"ds": record_set, "notify": "a@example.org", "method": "url", "protocol": "fits"}
    begun = json.loads(fetch(jsoc, {"op": "exp_request", **params}))
    asked = {"op": "exp_status", "requestid": begun["requestid"]}
    while (answer := json.loads(fetch(jsoc, asked)))["status"] != "0":
        assert answer["status"] == 1, answer
    files = {}
    for one in answer["data"]:
        stored = jsoc.exports.stored(f"{answer['dir']}/{one['filename']}")
        assert stored is not None
        files[one["filename"]] = stored.read()
    return files


def fetch(jsoc: SampleJsoc, params: dict[str, str]) -> bytes:
    return jsoc.respond(Request("jsoc_fetch", params["op"], params.get("ds", ""), params)).body


def image(body: bytes) -> tuple[fits.Header, np.ndarray]:
    with fits.open(io.BytesIO(body)) as file:
        hdu = next(one for one in file if one.data is not None)
        return hdu.header, hdu.data


def values(header: fits.Header) -> dict[str, object]:
    """The cards that are of the record, and the same wherever the file was written."""
    skipped = {"CHECKSUM", "DATASUM", "HEADSUM", "DATE", "HISTORY", "COMMENT", "LONGSTRN"}
    return {
        card.keyword: card.value
        for card in header.cards
        if card.keyword not in skipped and not is_structural(card.keyword)
    }


def paths(client: Client, record_set: str) -> dict[str, Path]:
    return {
        f"{record.recnum}.{name}": path
        for record in client.get(record_set, fits=True)
        for name, path in record.paths.items()
    }


def test_a_file_with_the_header_of_its_record_is_what_an_export_gives(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram,bitmap}}"
    made = paths(client, wanted)
    theirs = exported(jsoc, wanted)
    assert len(made) == len(theirs) == 2
    for name, path in made.items():
        ours, data = image(path.read_bytes())
        header, expected = image(next(body for n, body in theirs.items() if name in n))
        np.testing.assert_array_equal(data, expected)
        own = values(ours)
        lacking = {key: value for key, value in values(header).items() if own.get(key) != value}
        # the licence is not kept with the record, nor are digits of times that are not printed
        assert set(lacking) <= {"LICENSE", "T_REC"}
        assert str(own["T_REC"])[:16] == str(header["T_REC"])[:16]
        assert own["RECNUM"] == int(name.partition(".")[0])
    assert [one for one in jsoc.requests if one.cgi == "jsoc_fetch"] == []


def test_the_same_record_gives_the_same_file_and_offline_too(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram}}"
    first = paths(client, wanted)
    jsoc.clear_requests()
    assert paths(client, wanted) == first
    with Client(client.settings, policy="offline") as offline:
        assert paths(offline, wanted) == first
    assert not jsoc.requests
    (as_it_is,) = (record.paths["magnetogram"] for record in client.get(wanted))
    assert as_it_is not in first.values()


def test_from_a_mirror_and_from_what_the_upstream_prints_it_is_the_same_file(
    client, jsoc, tmp_path
) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram}}"
    ((_, printed),) = paths(client, wanted).items()
    synced = Copy(settings_for(tmp_path / "synced", jsoc), jsoc)
    synced.sync(f"{NAME}[377]")
    with Client(synced.settings) as client:
        jsoc.clear_requests()
        ((_, held),) = paths(client, wanted).items()
    assert held.read_bytes() == printed.read_bytes()
    assert {one.op for one in jsoc.requests if "T_REC" in one.params.get("key", "")} == set()


def test_changed_keywords_make_another_file_and_leave_the_one_before(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram}}"
    ((name, before),) = paths(client, wanted).items()
    old = before.read_bytes()
    jsoc.series(NAME).columns["usflux"][:] *= 2
    with Client(client.settings, policy="remote") as remote:
        ((again, after),) = paths(remote, wanted).items()
    assert again == name
    assert after != before
    assert before.read_bytes() == old


def test_offline_a_record_without_all_its_keywords_is_told_in_words(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram}}"
    list(client.get(wanted))
    with Client(client.settings, policy="offline") as offline:
        assert all(record.complete for record in offline.get(wanted))
        with pytest.raises(NotHeldError, match="sync"):
            paths(offline, wanted)


def test_bytes_that_go_while_the_same_are_written_are_there_in_the_end(
    client, jsoc, monkeypatch
) -> None:
    keep, went = MadeFiles.keep, []

    def keep_late(index, digest, made) -> None:
        if not went:
            went.append(made[0].sha256)
            client.mirror.objects.remove(made[0].sha256)
        keep(index, digest, made)

    monkeypatch.setattr(MadeFiles, "keep", keep_late)
    ((_, path),) = paths(client, f"{with_files(jsoc)}[#$]{{magnetogram}}").items()
    assert [path.name] == went
    assert path.exists()


def test_no_header_is_put_before_bytes_that_are_damaged(client, jsoc) -> None:
    wanted = f"{with_files(jsoc)}[#$]{{magnetogram}}"
    (stored,) = client.get(wanted)
    path = stored.paths["magnetogram"]
    content = path.read_bytes()
    flip(path)
    (refused,) = client.get(wanted, fits=True)
    assert refused.files["magnetogram"].state is FileState.FAILED
    assert "rotten" in refused.files["magnetogram"].message
    (record,) = client.get(wanted, fits=True)
    assert len(downloads(jsoc)) == 2
    assert path.read_bytes() == content
    assert np.array_equal(
        image(record.paths["magnetogram"].read_bytes())[1], image(content)[1], equal_nan=True
    )


def test_a_header_that_cannot_be_written_is_the_outcome_of_that_file(
    client, jsoc, monkeypatch
) -> None:
    def broken(*_: object) -> Iterator[bytes]:
        raise FitsError("it has no image")
        yield b""

    monkeypatch.setattr("drmsmirror.segments.fits.fits_pieces", broken)
    (record,) = client.get(f"{with_files(jsoc)}[#$]{{magnetogram}}", fits=True)
    assert record.files["magnetogram"].state is FileState.FAILED
    assert "no image" in record.files["magnetogram"].message
    assert client.mirror.catalogue.downloads.reserved() == 0
