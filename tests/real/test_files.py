"""Real files, served by the sample upstream, come back as they are, and offline again."""

from __future__ import annotations

from pathlib import Path

from drmsmirror.client import Client
from drmsmirror.segments import FileState
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import settings_for

NAME = "hmi.sharp_720s"
PART = f"{NAME}[4315][2014.07.05_TAI/1h]{{magnetogram}}"


def test_each_comes_back_byte_for_byte(recorded: Path, tmp_path: Path) -> None:
    files = sorted((recorded / "fits").glob("*.fits"))
    assert len(files) == 5
    with SampleJsoc([NAME], size="small", offline_every=0) as jsoc:
        settings = settings_for(tmp_path / "mirror", jsoc)
        with Client(settings) as client:
            wanted = list(client.wanted_files(PART).files())
            served = dict(zip(wanted, files, strict=True))
            for file, path in served.items():
                jsoc.serve_file(NAME, file.recnum, "magnetogram", path)
            came = {one.file: one for record in client.get(PART) for one in record.files.values()}
        jsoc.clear_requests()
        with Client(settings, policy="offline") as client:
            held = {one.file: one for record in client.get(PART) for one in record.files.values()}
        assert jsoc.requests == []
    assert {one.state for one in came.values()} == {FileState.FETCHED}
    assert {one.state for one in held.values()} == {FileState.HELD}
    for file, path in served.items():
        kept = held[file].path
        assert kept == came[file].path
        assert kept is not None
        assert kept.read_bytes() == path.read_bytes()
