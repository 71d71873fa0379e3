"""A mirror that is told by a manifest what to keep, and keeps it, night after night."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.e2e.conftest import Command
from tests.e2e.terminals import Terminal
from tests.jsoc import SampleJsoc

SHARP, SYNOPTIC = "hmi.sharp_720s", "hmi.synoptic_mr_720s"
OPEN = f"{SHARP}[][2011.01.01_TAI-2050.01.01_TAI@1h]"
MANIFEST = f"""\
[[subscription]]
record_set = "{OPEN}"
schedule = "17 3 * * *"
priority = 1

[[subscription]]
record_set = "{SYNOPTIC}[2097]"
"""


def test_a_manifest_is_applied_synced_and_kept_current(tmp_path: Path, empty: Command) -> None:
    file = tmp_path / "mirror.toml"
    file.write_text(MANIFEST, encoding="utf-8")
    with SampleJsoc([SHARP, SYNOPTIC], size="small") as jsoc:
        command = replace(empty, upstream=jsoc.url)
        with Terminal.running(command, "apply", str(file)) as terminal:
            terminal.read_until("Make these 2 changes?")
            terminal.type("y")
            assert terminal.finish() == 0
        first = json.loads(command("sync", "--all", "--json").stdout)
        jsoc.advance(SHARP, hours=3, late=0.0)
        second = json.loads(command("sync", "--all", "--json").stdout)
        jsoc_says = _count(command, OPEN, "remote")
    held = _count(command, OPEN, "offline")

    assert [report["record_set"] for report in first] == [OPEN, f"{SYNOPTIC}[2097]"]
    assert {report["outcome"] for report in [*first, *second]} == {"done"}
    assert second[0]["records_new"] > 0
    assert held == jsoc_says > 0
    assert command("apply", str(file)).returncode == 0


def test_somebody_who_does_not_agree_changes_nothing(tmp_path: Path, empty: Command) -> None:
    file = tmp_path / "mirror.toml"
    file.write_text(MANIFEST, encoding="utf-8")
    command = replace(empty, upstream="http://127.0.0.1:9/")
    with Terminal.running(command, "apply", str(file), "--offline") as terminal:
        terminal.read_until("Make these 2 changes?")
        terminal.type("n")
        assert terminal.finish() == 0

    assert "Nothing was changed." in terminal.shown
    assert json.loads(command("subscriptions", "--json").stdout) == []


def _count(command: Command, record_set: str, policy: str) -> int:
    arguments = ("--key", "T_REC", "--policy", policy, "--format", "json")
    return len(json.loads(command("query", record_set, *arguments).stdout))
