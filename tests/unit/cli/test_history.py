"""The commands about what was: runs, tag, diff, query --as-of, and how status tells of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from drmsmirror.catalogue import Depth, RunKind, RunOutcome
from drmsmirror.catalogue.tables import duties
from drmsmirror.cli.main import cli
from drmsmirror.errors import UpstreamUnavailableError
from tests.unit.client.world import KINDS, World

SLOTS, _ = KINDS
NAME = SLOTS.name

Call = Callable[..., Result]


@pytest.fixture
def world() -> Iterator[World]:
    """Give a mirror that was synced twice, in the year before."""
    with World.open(SLOTS, [(position, 1, 0, 0.5) for position in range(3)]) as made:
        made.now[0] = datetime(2025, 11, 1, tzinfo=UTC)
        made.sync("")
        made.wait(24)
        made.change([(1, 1, 0, 7.5), (3, 1, 0, 0.5)])
        made.sync("")
        yield made


@pytest.fixture
def call(world: World) -> Call:
    """Call the command line; what it writes is kept apart from what it says."""

    def call(*arguments: str, code: int = 0) -> Result:
        root = str(world.mirror.root)
        done = CliRunner().invoke(cli, [*arguments, "--mirror", root], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done

    return call


def test_runs_are_rows(call: Call, world: World) -> None:
    world.mirror.catalogue.runs.start("a.b", "a.b[1]", kind=RunKind.QUESTION)
    header, *rows = call("runs").stdout.splitlines()
    assert header.split()[:4] == ["run", "kind", "record", "set"]
    assert [row.split()[:3] for row in rows] == [
        ["4", "question", "a.b[1]"],
        ["3", "reconcile", NAME],
        ["2", "sync", NAME],
        ["1", "sync", NAME],
    ]
    found = json.loads(call("runs", NAME.upper(), "--limit", "2", "--json").stdout)
    assert [{name: one[name] for name in ("id", "kind", "outcome")} for one in found] == [
        {"id": 3, "kind": "reconcile", "outcome": "done"},
        {"id": 2, "kind": "sync", "outcome": "done"},
    ]
    assert [(one["records_new"], one["records_revised"]) for one in found] == [(0, 0), (1, 1)]
    assert [(one["watermark_before"], one["watermark_after"]) for one in found] == [(5, 5), (3, 5)]
    assert all(one["requests"] > 0 for one in found)
    assert found[1]["seconds"] == 0.0
    assert "no runs of x.y" in call("runs", "x.y").stderr


def test_a_tag_is_made_listed_used_and_dropped(call: Call) -> None:
    said = call("tag", "v1", "--at", "2025-11-01T12:00", "--note", "first").stderr
    assert "v1 is 2025-11-01 12:00:00 UTC, after run 1" in said
    assert call("tag", "--list").stdout.splitlines()[1].split() == [
        "v1", "2025-11-01", "12:00:00", "1", "first",
    ]  # fmt: skip
    made = json.loads(call("tag", "now", "--json").stdout)
    assert (made["name"], made["run"]) == ("now", 3)
    assert [one["name"] for one in json.loads(call("tag", "--list", "--json").stdout)] == [
        "v1",
        "now",
    ]
    then = call("query", f"{NAME}[]", "--key", "DATAMEAN", "-f", "csv", "--as-of", "v1")
    assert then.stdout.split() == ["DATAMEAN", "0.500000", "0.500000", "0.500000"]
    assert "3 records, local answer, at v1, as of 2025-11-01" in then.stderr
    call("tag", "--drop", "v1")
    assert "no tag v1" in call("query", f"{NAME}[]", "--as-of", "v1", code=3).stderr
    call("tag", "--drop", "now")
    assert "no tags yet" in call("tag", "--list").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("tag",),
        ("tag", "a", "--list"),
        ("tag", "a", "--drop", "--note", "x"),
        ("query", NAME, "--as-of", "1", "--policy", "remote"),
        ("query", NAME, "--as-of", "1", "--max-age", "1h"),
        ("diff", NAME),
    ],
    ids=" ".join,
)
def test_what_does_not_go_together_is_refused(call: Call, arguments: tuple[str, ...]) -> None:
    assert "Usage: " in call(*arguments, code=2).stderr


def test_diff_lists_what_changed_and_counts_it(call: Call) -> None:
    done = call("diff", NAME, "--since", "1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["kind"], row["keyword"]) for row in rows][-1] == ("new", "")
    changed = {row["keyword"]: (row["before"], row["after"]) for row in rows}
    assert changed["DATAMEAN"] == ("0.500000", "7.500000")
    assert "1 new and 0 removed records" in done.stderr
    assert "DATAMEAN       1" in done.stderr
    short = call("diff", NAME, "--since", "2025-11-01T12:00", "--limit", "1", "--json")
    assert json.loads(short.stdout) == [rows[0] | {"recnum": int(rows[0]["recnum"])}]
    assert f"{len(rows) - 1} more rows were not written" in short.stderr
    assert short.stderr.endswith(done.stderr)
    nothing = call("diff", NAME, "--since", "2")
    assert (nothing.stdout, nothing.stderr) == ("", "0 new and 0 removed records\n")
    assert call("diff", NAME, "--since", "2", "--json").stdout == "[]\n"
    assert "DATAMEAN" in call("diff", NAME, "--since", "1", "--until", "2").stdout


def test_status_tells_since_when_and_how_all_was_compared(call: Call, world: World) -> None:
    catalogue, text = world.mirror.catalogue, f"{NAME}[]"
    since = f"{world.now[0]:%Y-%m-%d %H:%M} UTC"
    one = catalogue.reconciliations.load(NAME, text)
    assert one is not None

    def said(**values: object) -> str:
        catalogue.reconciliations.save(NAME, text, replace(one, **values))
        return next(line for line in call("status").stdout.splitlines() if f"{NAME} was" in line)

    keys = "record number, T_REC, CAMERA, DATE, QUALITY"
    compared = f"  all of {NAME} was compared since {since}, by {keys}"
    assert said() == f"{compared}; nobody subscribes to it any more"
    assert f"all of {NAME} was read since {since};" in said(checked_depth=Depth.READ)
    assert f"compared since {since}, read whole;" in said(checked_depth=Depth.WHOLE)
    assert "was not compared with the upstream as a whole yet" in said(checked_since_utc=None)
    call("subscribe", NAME, "--offline")
    assert said() == compared
    newest = world.mirror.table(catalogue.definition(NAME)).largest("t_rec_index")
    assert newest is not None
    tomorrow = f"{one.worked_utc + timedelta(days=1):%Y-%m-%d}"
    assert said(position=newest - 1) == (
        f"{compared}; the present pass is 50% through, and round about {tomorrow}"
    )
    call("subscribe", NAME, "--offline", "--reconcile", "off")
    assert said() == f"{compared}; it is not compared (reconcile off)"


def test_status_tells_how_the_keeping_stands(call: Call, world: World) -> None:
    catalogue = world.mirror.catalogue
    at = world.now[0] + timedelta(days=1)
    with catalogue.database.write() as connection:
        for name, due in ((f"sync {NAME}[]", at), ("sync other.series", world.now[0])):
            connection.execute(duties.insert(), {"name": name, "due_utc": due})
    said = call("status").stdout
    assert "  newest: 2010.05.01_00:02:15_TAI, " in said
    assert f"  last success {world.now[0]:%Y-%m-%d %H:%M} UTC; next run {at:%Y-%m-%d}" in said
    assert "failed since" not in said
    assert "is held" not in said
    world.wait(1)
    failed = catalogue.runs.start(NAME, f"{NAME}[]")
    error = UpstreamUnavailableError("JSOC is away\nand more")
    catalogue.runs.finish(failed.id, RunOutcome.FAILED, share_held=0.25, error=error)
    said = call("status").stdout
    assert f"  failed since, {world.now[0]:%Y-%m-%d %H:%M} UTC: JSOC is away\n" in said
    assert f"  25.0% of {NAME}[] is held" in said
    (held,) = json.loads(call("status", "--json").stdout)["series"]
    assert held["standing"]["newest"] == "2010.05.01_00:02:15_TAI"
    assert held["standing"]["behind_seconds"] > 5e8
    assert held["standing"]["share_held"] == 0.25
    assert held["standing"]["last_failure"] == "JSOC is away\nand more"
    assert held["standing"]["next_run_utc"] == at.isoformat()
