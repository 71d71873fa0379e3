"""The commands that keep files in order: what they print, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.cli.main import cli
from tests.jsoc import SampleJsoc
from tests.unit.segments.cache import NAME, Cache, a_cache, flip
from tests.unit.sync.mirrors import Copy, series, settings_for

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def jsoc() -> Iterator[SampleJsoc]:
    with SampleJsoc([series(NAME, 6)]) as server:
        yield server


@pytest.fixture
def copy(jsoc: SampleJsoc, tmp_path: Path) -> Copy:
    made = Copy(settings_for(tmp_path / "mirror", jsoc), jsoc)
    made.sync(NAME)
    return made


@pytest.fixture
def cache(copy: Copy) -> Iterator[Cache]:
    """Give a mirror with four of six files."""
    with a_cache(copy) as cache:
        cache.fetch(0, 1, 2, 3)
        yield cache


@pytest.fixture
def run(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in copy.environment().items():
        if name.startswith("DRMSMIRROR_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


def test_pins_are_made_listed_and_taken_away(cache: Cache, run: Run) -> None:
    none = run("pins")
    pinned = run("pin", NAME, "--json", "--offline")
    again = run("pin", NAME, "--offline")
    listed = run("pins")
    gone = run("unpin", NAME)
    unknown = run("unpin", NAME)

    assert [one.exit_code for one in (none, pinned, again, listed, gone)] == [0] * 5
    assert "Nothing is pinned." in none.stderr
    assert json.loads(pinned.stdout) == {
        "record_set": NAME, "files": 6, "added": 6, "held": 4
    }  # fmt: skip
    assert f"{NAME} pins 6 files, 0 of them since now; 4 are there." in again.stderr
    assert listed.stdout.splitlines()[1].split()[:2] == [NAME, "6"]
    assert f"{NAME} pins nothing any more" in gone.stderr
    assert unknown.exit_code == 3
    assert json.loads(run("pins", "--json").stdout) == []
    assert cache.held() == set(cache.files[:4])


def test_a_pin_names_segments_that_there_are_and_records_that_there_are(run: Run) -> None:
    no_segment = run("pin", f"{NAME}[]{{nosuch}}", "--offline")
    no_record = run("pin", f"{NAME}[1999.01.01]", "--offline")
    several = run("pin", f"{NAME}[]{{magnetogram}},{NAME}[]{{MAGNETOGRAM}}", "--offline")

    assert (no_segment.exit_code, no_record.exit_code, several.exit_code) == (2, 3, 0)
    assert f"{NAME} has no segment nosuch; it has magnetogram" in no_segment.stderr
    assert "has no files to pin" in no_record.stderr
    assert "pins 6 files, 6 of them since now" in several.stderr


def test_gc_says_what_goes_and_what_cannot(cache: Cache, run: Run) -> None:
    run("pin", f"{NAME}[#^]", "--offline")
    dry = run("gc", "--older-than", "0s", "--dry-run")
    wrong = run("gc", "--max-size", "much")
    done = run("gc", "--max-size", "0", "--json")

    assert (dry.exit_code, wrong.exit_code, done.exit_code) == (0, 2, 0)
    assert "0 files would go, 0 bytes." in dry.stderr
    assert "are used in the last 24 hours and cannot go." in dry.stderr
    assert "'much' is no size; write it like 500G" in wrong.stderr
    told = json.loads(done.stdout)
    assert told["freed"] == {"objects": 0, "size_bytes": 0}
    assert told["stay"]["pinned"]["objects"] == 1
    assert told["stay"]["in_use"]["objects"] == 3
    assert "are left, more than 0 bytes." in done.stderr
    assert cache.held() == set(cache.files[:4])


def test_gc_lets_go_what_the_settings_do_not_keep(
    cache: Cache, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cache.mirror.catalogue.database.write() as connection:
        connection.exec_driver_sql("UPDATE objects SET used_utc = '2001-01-01 00:00:00.000000'")
    run("pin", f"{NAME}[#^]", "--offline")
    done = run("gc", "--older-than", "30d")
    assert "3 files went, " in done.stderr
    assert "1 file, " in done.stderr
    assert "is pinned and cannot go." in done.stderr
    assert cache.held() == {cache.files[0]}


def test_verify_finds_repairs_and_then_finds_nothing(cache: Cache, run: Run) -> None:
    sound = run("verify", "--sample", "100%")
    flip(cache.path(0))
    found = run("verify")
    told = run("verify", "--json")
    repaired = run("verify", "--repair")
    again = run("verify", "--repair", "--json")

    assert [one.exit_code for one in (sound, found, told, repaired, again)] == [0, 6, 6, 0, 0]
    assert "4 files read, " in sound.stderr
    assert "; all as they should be." in sound.stderr
    assert f"[:#{cache.files[0].recnum}]{{magnetogram}}) is rotten\n" in found.stderr
    assert "1 file of records is damaged." in found.stderr
    assert "drmsmirror verify --repair" in found.stderr
    assert json.loads(told.stdout)["problems"] == {"rotten": 1}
    assert ") is rotten: fetched\n" in repaired.stderr
    assert "1 rotten; of these 1 fetched." in repaired.stderr
    assert json.loads(again.stdout)["problems"] == {}


def test_verify_says_what_it_could_not_repair_and_what_it_did_not_come_to(
    cache: Cache, run: Run
) -> None:
    late = run("verify", "--max-duration", "0s")
    wrong = run("verify", "--sample", "0%")
    both = run("verify", "--quick", "--sample", "5%")
    cache.path(1).unlink()
    cache.copy.jsoc.lose(cache.copy.jsoc.sunums(NAME, [cache.files[1].recnum]))
    lost = run("verify", "--quick", "--repair")

    assert [one.exit_code for one in (late, wrong, both, lost)] == [0, 2, 2, 6]
    assert "The next `drmsmirror verify` goes on" in late.stderr
    assert "'0%' is no share; write it like 5%" in wrong.stderr
    assert "is missing: lost, lost: the upstream has it neither" in lost.stderr
    assert "1 file could not be repaired." in lost.stderr


def test_get_says_what_it_is_about(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing, nowhere = run("get", f"{NAME}[:#900000]"), run("get", NAME, "--names", "jsoc")
    (first, *_) = json.loads(run("get", NAME, "--json", "--n", "1").stdout)
    assert (nothing.exit_code, nothing.stderr) == (0, "No record matches: there are no files\n")
    assert (nowhere.exit_code, "--names goes with --link or --copy" in nowhere.stderr) == (2, True)
    assert first["record"].startswith(f"{NAME}[")
    assert first["error"] is None

    monkeypatch.setenv("DRMSMIRROR_SEGMENTS__MIN_FREE_GIB", "1e6")
    full = run("get", NAME, "--json")
    assert full.exit_code == 8
    assert "no-space" in {one["error"] for one in json.loads(full.stdout)}


def test_a_file_in_the_way_of_one_keeps_no_other_from_being_laid(run: Run, tmp_path: Path) -> None:
    laid = run("get", NAME, "--copy", str(tmp_path / "mine"))
    first, *others = map(Path, laid.stdout.splitlines())
    first.chmod(0o644)
    first.write_bytes(b"of my own")
    others[0].unlink()
    again = run("get", NAME, "--copy", str(tmp_path / "mine"))
    assert (again.exit_code, again.stdout.splitlines()) == (5, [str(path) for path in others])
    assert f"{first}" in again.stderr
    assert first.read_bytes() == b"of my own"
