"""``drmsmirror publish``, and a sync that publishes by itself."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Command
from tests.e2e.terminals import Terminal

SHARP, ONE = "hmi.sharp_720s", "hmi.sharp_720s[4315]"


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM hmi__sharp_720s").fetchone()[0])


def test_what_is_held_is_published_and_reported(filled: Command, tmp_path: Path) -> None:
    file = tmp_path / "sharp.db"
    targets = ("--to", f"sqlite:///{file}", "--to", f"parquet:{tmp_path}/out")
    done = filled("publish", "HMI.sharp_720S", *targets, "--json")
    reports = json.loads(done.stdout)

    assert done.returncode == 0
    assert [report["series"] for report in reports] == [SHARP] * 2
    assert [report["records"] for report in reports] == [count(file)] * 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{SHARP}: {count(file):,} written, 0 removed; ")
    assert str(file) in lines[0]
    assert (tmp_path / "out" / "README.md").exists()


def test_on_a_terminal_a_bar_is_shown(filled: Command, tmp_path: Path) -> None:
    arguments = ("publish", SHARP, "--to", f"sqlite:///{tmp_path}/sharp.db")
    with Terminal.running(filled, *arguments) as terminal:
        assert terminal.finish() == 0
    assert "━" in terminal.shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((SHARP,), 2, "Say where to publish hmi.sharp_720s, with --to TARGET"),
        ((SHARP, "--to", "mysql://me:s3cr3t@host/db"), 2, "The target's URL names 'mysql'"),
        (("hmi.nothing", "--to", "parquet:nowhere"), 3, "The mirror knows no series"),
    ],
)
def test_what_cannot_be_published_is_said(
    filled: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = filled("publish", *arguments)

    assert done.returncode == code
    assert said in done.stderr
    assert "s3cr3t" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (filled.mirror.parent / "nowhere").exists()


def test_a_sync_publishes_where_the_settings_say(empty: Command, tmp_path: Path) -> None:
    file = tmp_path / "sharp.db"
    targets = {"DRMSMIRROR_PUBLISH__TARGETS": json.dumps({SHARP: [f"sqlite:///{file}"]})}
    done = empty("sync", ONE, "--json", more=targets)

    assert done.returncode == 0
    (report,) = json.loads(done.stdout)
    assert f"{SHARP}: {count(file):,} written, 0 removed" in done.stderr
    assert count(file) == report["records_new"]


def test_a_wrong_target_in_the_settings_is_said_before_anything_is_fetched(
    empty: Command,
) -> None:
    done = empty("sync", ONE, more={"DRMSMIRROR_PUBLISH__TARGETS": '{"*": ["nowhere"]}'})

    assert done.returncode == 2
    assert "The target has to say what it is" in done.stderr
    assert not empty.mirror.exists()
