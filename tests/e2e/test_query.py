"""``drmsmirror query`` where the mirror holds a part, and on what terms the rest is asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from tests.e2e.conftest import Command
from tests.jsoc import Fault, FaultKind, SampleJsoc

HELD = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"
AROUND = "hmi.sharp_720s[4315][2014.07.05_TAI/2d]"
KEYS = "T_REC,QUALITY"


@pytest.fixture
def upstream() -> Iterator[SampleJsoc]:
    """A sample upstream that may misbehave."""
    with SampleJsoc(["hmi.sharp_720s"], size="small") as server:
        yield server


@pytest.fixture
def command(upstream: SampleJsoc, empty: Command) -> Command:
    """The command, with a mirror that holds a day of one HARP."""
    made = replace(empty, upstream=upstream.url)
    assert made("sync", HELD).returncode == 0
    upstream.clear_requests()
    return made


def _lists(upstream: SampleJsoc) -> list[str]:
    return [request.ds for request in upstream.requests if request.op == "rs_list"]


def test_stderr_says_where_the_answer_came_from(command: Command, upstream: SampleJsoc) -> None:
    mixed = command("query", AROUND, "--key", KEYS)
    again = command("query", AROUND, "--key", KEYS, "--format", "csv")

    assert "191 records, mixed answer" in mixed.stderr
    assert "191 records, local answer" in again.stderr
    assert len(list(csv.reader(io.StringIO(again.stdout)))) == 192
    assert _lists(upstream) == ["hmi.sharp_720s[4315][#942720-#942839]"]


def test_a_part_is_given_where_it_is_wanted_and_said_to_be_one(command: Command) -> None:
    part = command("query", AROUND, "--key", KEYS, "--offline", "--partial")

    assert part.returncode == 0
    assert "120 records, local answer" in part.stderr
    assert "This is not all of it" in part.stderr
    assert "2014.07.06_00:00:00_TAI" in part.stderr
    assert "drmsmirror sync" in part.stderr


@pytest.mark.long
def test_what_is_too_old_is_asked_for_again_or_refused(
    command: Command, upstream: SampleJsoc
) -> None:
    assert "remote answer" in command("query", HELD, "--max-age", "0s").stderr
    assert _lists(upstream) == ["hmi.sharp_720s[4315][#942600-#942719]"]
    refused = command("query", HELD, "--max-age", "0s", "--offline")
    assert refused.returncode == 3
    assert "too old" in refused.stderr


def test_the_upstream_gets_so_much_time(command: Command, upstream: SampleJsoc) -> None:
    slow = command("query", "hmi.sharp_720s", "--key", KEYS, "--wait", "3")
    assert slow.returncode == 3
    assert "it gets 3 s (--wait)" in slow.stderr
    upstream.fault(Fault(FaultKind.STALL), times=None)
    stalled = command("query", AROUND, "--key", KEYS, "--wait", "1")
    upstream.release()
    assert stalled.returncode == 4
    assert "--wait" in stalled.stderr
    assert "drmsmirror sync" in stalled.stderr
    assert _lists(upstream) in ([], ["hmi.sharp_720s[4315][#942720-#942839]"])


def test_segments_stand_after_the_keywords(command: Command) -> None:
    asked = ("query", "hmi.sharp_720s[4315][2014.07.05_TAI]", "--key", "T_REC")
    text = command(*asked, "--seg", "magnetogram,bitmap", "-f", "csv").stdout
    typed = command(*asked, "--seg", "**ALL**", "-f", "arrow", "-o", "answer.arrow")

    header, row = csv.reader(io.StringIO(text))
    assert header == ["T_REC", "magnetogram", "bitmap"]
    assert row[0] == "2014.07.05_00:00:00_TAI"
    assert row[1].endswith("magnetogram.fits")
    assert typed.returncode == 0
    assert "Answers kept of other questions: 2, " in command("status").stdout
    stream = pa.ipc.open_stream((command.mirror.parent / "answer.arrow").read_bytes())
    assert stream.read_all().column_names[:2] == ["T_REC", "magnetogram"]


def test_commands_at_the_same_time_send_one_request(command: Command, upstream: SampleJsoc) -> None:
    upstream.fault(Fault(FaultKind.SLOW, seconds=2.0), times=None, when="rs_list")
    running = [command.start("query", AROUND, "--key", KEYS, "-f", "csv") for _ in range(4)]
    answers = [process.communicate(timeout=120) for process in running]

    assert {process.returncode for process in running} == {0}
    assert len({out for out, _ in answers}) == 1
    assert len(_lists(upstream)) == 1
    assert len(upstream.requests) <= 3


@pytest.mark.long
@pytest.mark.parametrize("point", ["records.after_commit", "window.after_commit"])
def test_a_query_that_was_killed_while_it_merged_can_be_put_again(
    command: Command, upstream: SampleJsoc, point: str
) -> None:
    asked = ("query", AROUND, "--key", KEYS, "-f", "csv")
    killed = command(*asked, more={"DRMSMIRROR_FAILPOINT": point})
    again = command(*asked)

    assert killed.returncode == -9
    assert again.returncode == 0
    assert len(list(csv.reader(io.StringIO(again.stdout)))) == 192
    assert len(_lists(upstream)) == 1
