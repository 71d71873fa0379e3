"""``drmsmirror get``: lines come while files do, in the order of the records."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from drmsmirror.catalogue import SegmentIndex
from drmsmirror.cli.growingbar import progress_bar
from drmsmirror.cli.main import cli
from drmsmirror.errors import NoSpaceError, StoreError
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.objects import laying
from tests.jsoc import SampleJsoc
from tests.unit.segments.cache import NAME, Cache, a_cache
from tests.unit.sync.mirrors import Copy, series, settings_for

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """Give a mirror of six records with all files but one; it is only read."""
    with SampleJsoc([series(NAME, 6)], offline_every=0) as jsoc:
        copy = Copy(settings_for(tmp_path_factory.mktemp("mirror"), jsoc), jsoc)
        copy.sync(NAME)
        with a_cache(copy) as cache:
            cache.fetch(0, 1, 2, 3, 5)
            yield cache


@pytest.fixture
def run(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in cache.copy.environment().items():
        if name.startswith("DRMSMIRROR_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ("get", NAME, "--offline", *arguments))

    return run


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Look files up in threes, and note how many, and how many lines were printed by then."""
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", 3)
    found: list[tuple[int, int]] = []
    use = SegmentIndex.use

    def noted(index: SegmentIndex, files: Collection[SegmentFile]) -> object:
        printed = sys.stdout.buffer.getvalue()  # type: ignore[attr-defined]
        found.append((len(files), printed.count(b"\n")))
        return use(index, files)

    monkeypatch.setattr(SegmentIndex, "use", noted)
    return found


def test_lines_are_printed_before_the_next_files_are_looked_up(
    cache: Cache, run: Run, looked_up: list[tuple[int, int]]
) -> None:
    result = run()
    assert looked_up == [(3, 0), (3, 3)]
    assert result.stdout.splitlines() == [str(cache.path(n)) for n in (0, 1, 2, 3, 5)]
    assert result.exit_code == 3
    assert "6 files: 5 held, 0 fetched (0 bytes)" in result.stderr


def test_json_is_one_list_however_it_comes(run: Run, looked_up: list[tuple[int, int]]) -> None:
    result = run("--json")
    told = json.loads(result.stdout)
    assert result.stdout.encode() == orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"
    assert [one["state"] for one in told] == ["held"] * 4 + ["not held", "held"]
    assert looked_up[1][1] > 3 * len(told[0])


def test_of_no_records_json_is_an_empty_list(run: Run) -> None:
    result = CliRunner().invoke(cli, ("get", f"{NAME}[1999.01.01]", "--offline", "--json"))
    assert (result.exit_code, result.stdout) == (0, "[]\n")


def test_a_failure_half_way_leaves_what_was_printed(
    cache: Cache, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.client.wanted.SLICE", 2)
    use = SegmentIndex.use

    def broken(index: SegmentIndex, files: Collection[SegmentFile]) -> object:
        if cache.files[4] in files:
            raise StoreError("the catalogue went away")
        return use(index, files)

    monkeypatch.setattr(SegmentIndex, "use", broken)
    lines, told = run(), run("--json")
    assert lines.exit_code == told.exit_code == StoreError.exit_code
    assert lines.stdout.splitlines() == [str(cache.path(n)) for n in range(4)]
    assert [one["path"] for one in json.loads(told.stdout)] == lines.stdout.splitlines()
    assert "went away" in lines.stderr


def test_each_slice_is_laid_when_it_is_there(
    cache: Cache, run: Run, looked_up: list[tuple[int, int]], tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    result = run("--copy", str(mine))
    assert looked_up == [(3, 0), (3, 3)]
    laid = [Path(line) for line in result.stdout.splitlines()]
    assert [path.read_bytes() for path in laid] == [
        cache.path(n).read_bytes() for n in (0, 1, 2, 3, 5)
    ]
    assert {path for path in mine.rglob("*") if path.is_file()} == set(laid)


def test_what_was_laid_is_printed_though_the_disk_is_full(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copied, done = laying.copy_bytes, []

    def full(source: Path, target: Path) -> None:
        if done:
            raise NoSpaceError("No space left")
        copied(source, target)
        done.append(target)

    monkeypatch.setattr(laying, "clone_bytes", lambda *_: False)
    monkeypatch.setattr(laying, "copy_bytes", full)
    result = run("--copy", str(tmp_path / "mine"))
    assert (result.exit_code, len(result.stdout.splitlines())) == (8, 1)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_on_it", [True, False])
def test_lines_go_to_stdout_beside_a_bar_or_in_place_of_it(
    is_on_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, stdout = Screen(), io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen if is_on_it else stdout)
    path = "/a/path/[b]/that:smile:/" + "is/long/" * 30
    with progress_bar(is_for_people=True) as bar:
        bar.expect(2, is_all=False)
        for one in bar.watched(iter([path, path])):
            bar.echo(one)
        bar.expect(1, is_all=True)
        assert list(bar.watched(iter([1]))) == [1]
    shown = screen.getvalue()
    assert "0/?" in shown or "1/?" in shown
    if is_on_it:
        assert shown.endswith(f"{path}\n{path}\n")
    else:
        assert "3/3" in shown
        assert stdout.getvalue() == f"{path}\n{path}\n"


def test_no_bar_is_put_into_json(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    with progress_bar(is_for_people=False) as bar:
        bar.expect(1, is_all=True)
        assert list(bar.watched(iter([1]))) == [1]
    assert screen.getvalue() == ""
