"""``drmsmirror adopt``: what it prints, and with which code it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.cli.main import cli
from tests.jsoc import SampleJsoc
from tests.unit.client.exports import exported_files
from tests.unit.segments.cache import flip
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.sharp_720s"
ONE = f"{NAME}[377][2011.02.15_02:00_TAI]"


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    with SampleJsoc(offline_every=0) as jsoc:
        jsoc.add(series(NAME))
        columns = jsoc.series(NAME).columns
        jsoc.bring_online(columns["sunum"][columns["sunum"] >= 0].tolist())
        made = Copy(settings_for(tmp_path / "mirror", jsoc), jsoc)
        made.sync(ONE)
        yield made


def run(copy: Copy, *arguments: str) -> Result:
    return CliRunner(env=copy.environment()).invoke(cli, arguments)


def test_it_adopts_says_so_and_get_gives_it(copy: Copy, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    first, second = exported_files(copy.jsoc, f"{ONE}{{magnetogram,bitmap}}", folder)
    (folder / "other.fits").write_text("no FITS")
    copy.jsoc.clear_requests()

    dry = run(copy, "adopt", str(folder), "--dry-run")
    done = run(copy, "adopt", str(folder), "--offline", "--json")
    again = run(copy, "adopt", str(first), str(second))
    nowhere = run(copy, "adopt", str(folder / "nowhere"))
    given = run(copy, "get", f"{ONE}{{magnetogram}}")
    plain = run(copy, "get", f"{ONE}{{magnetogram}}", "--offline", "--as-is")
    headed = run(copy, "get", f"{ONE}{{magnetogram}}", "--fits", "--json")

    assert nowhere.exit_code == 2
    assert [one.exit_code for one in (dry, done, again, given, plain, headed)] == [5, 5, 0, 0, 3, 0]
    assert "3 files: 2 would be adopted (" in dry.stderr
    assert "0 held already, 1 damaged" in dry.stderr
    told = {Path(one["path"]).name: one for one in json.loads(done.stdout)}
    assert (told[first.name]["adoption"], told[first.name]["form"]) == ("adopted", "fits")
    assert told[first.name]["bytes"] == first.stat().st_size
    assert "is no FITS file" in told["other.fits"]["message"]
    assert "other.fits: damaged: " in done.stderr
    assert "2 files: 0 adopted (0 bytes), 2 held already\n" in again.stderr
    assert "1 of them are exported files that were adopted" in given.stderr
    assert Path(given.stdout.strip()).read_bytes() in (first.read_bytes(), second.read_bytes())
    assert json.loads(headed.stdout)[0]["form"] == "fits"
    assert "were adopted" not in headed.stderr
    assert copy.jsoc.requests == []


def test_a_file_whose_data_have_another_sum_is_damaged(copy: Copy, tmp_path: Path) -> None:
    (path,) = exported_files(copy.jsoc, f"{ONE}{{bitmap}}", tmp_path)
    flip(path, -2880)
    result = run(copy, "adopt", str(path), "--copy")
    assert result.exit_code == 5
    assert "its data have another sum than its header says" in result.stderr
    assert "1 of 1 file could not be taken in" in result.stderr


def test_without_room_for_all_it_tells_what_was_taken_in(copy: Copy, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    first, *others = sorted(exported_files(copy.jsoc, f"{ONE}{{magnetogram,bitmap}}", folder))
    room = str(1.5 * first.stat().st_size / 2**30)
    little = CliRunner(env=copy.environment(DRMSMIRROR_SEGMENTS__MAX_GIB=room))
    result = little.invoke(cli, ("adopt", str(folder), "--json"))
    assert result.exit_code == 8, result.stderr
    assert [one["path"] for one in json.loads(result.stdout)] == [str(first)]
    assert "1 file: 1 adopted (" in result.stderr
    assert f"{len(others)} file not taken in: there is no room" in result.stderr
    assert "No room for " in result.stderr


def test_a_name_that_is_no_text_is_told_too(copy: Copy, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.fits"))).write_text("no FITS")
    result = run(copy, "adopt", str(folder), "--offline", "--json")
    assert result.exit_code == 5
    (told,) = json.loads(result.stdout)
    assert told["path"].endswith("\\udcff.fits")
    assert told["adoption"] == "damaged"
