"""The commands about subscriptions: what they print, and with which code they end."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.cli.main import cli
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import series

M_45S, SYNOPTIC = "hmi.M_45s", "hmi.synoptic_mr_720s"
Run = Callable[..., Result]

MANIFEST = f"""\
[[subscription]]
record_set = "{M_45S}[][1]"
schedule = "17 3 * * *"

[[subscription]]
record_set = "{SYNOPTIC.upper()}"
keys = ["car_rot"]
"""


@pytest.fixture(scope="module")
def jsoc() -> Iterator[SampleJsoc]:
    with SampleJsoc([series(M_45S, 30), series(SYNOPTIC, 30)]) as server:
        yield server


@pytest.fixture
def run(jsoc: SampleJsoc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a mirror of the test's own."""
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__URL", jsoc.url)
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND", "1e5")
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__ATTEMPTS", "1")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    (tmp_path / "m.toml").write_text(MANIFEST, encoding="utf-8")
    return str(tmp_path / "m.toml")


def listed(run: Run) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(run("subscriptions", "--json").stdout)
    return found


def test_every_option_is_kept_and_shown(run: Run) -> None:
    options = "--key T_REC,QUALITY --seg magnetogram --lag 36h --priority 3 --reconcile full"
    done = run("subscribe", f"{M_45S}[][1]", "--schedule", "0 3 * * *", *options.split())
    (shown,) = listed(run)
    lines = run("subscriptions").stdout.splitlines()

    assert (done.exit_code, done.stdout) == (0, "")
    assert f"drmsmirror sync '{M_45S}[][1]'" in done.stderr
    assert shown.items() >= {
        ("record_set", f"{M_45S}[][1]"),
        ("schedule", "0 3 * * *"),
        ("lag", "36h"),
        ("priority", 3),
        ("precision", "text"),
        ("reconcile", "full"),
    }
    assert (shown["keys"], shown["segments"]) == (["T_REC", "QUALITY"], ["magnetogram"])
    assert lines[0].startswith("id  record set")
    assert "T_REC,QUALITY  magnetogram  0 3 * * *  36h         3  text       full" in lines[1]


def test_an_empty_option_takes_back_what_was_said(run: Run) -> None:
    run("subscribe", M_45S, "--key", "T_REC", "--seg", "magnetogram", "--schedule", "0 3 * * *")
    done = run("subscribe", M_45S, "--key", "", "--seg", "", "--schedule", "", "--json")

    shown = json.loads(done.stdout)
    assert (shown["keys"], shown["segments"], shown["schedule"]) == (None, [], None)
    assert f"Changed the subscription to {M_45S}, number 1." in done.stderr


def test_what_is_no_subscription_is_told_in_words(run: Run) -> None:
    for arguments, code, said in [
        ((f"{M_45S}[$]",), 2, "no first or last value"),
        ((M_45S, "--schedule", "0 3 * * 1"), 2, "numbers the days of the week"),
        ((M_45S, "--lag", "long"), 2, "is no length of time"),
        ((M_45S, "--seg", "nosuch"), 2, "has no segment 'nosuch'"),
        (("hmi.nosuch",), 3, "hmi.nosuch"),
    ]:
        done = run("subscribe", *arguments)
        assert (done.exit_code, done.stdout) == (code, "")
        assert said in done.stderr
    assert listed(run) == []


@pytest.mark.parametrize("name", ["1", f"{M_45S}[]"])
def test_a_subscription_is_ended_by_number_or_record_set(run: Run, name: str) -> None:
    run("subscribe", M_45S)
    done = run("unsubscribe", name)

    assert done.exit_code == 0
    assert f"Unsubscribed from {M_45S}; what is held stays." in done.stderr
    assert listed(run) == []
    assert "There are no subscriptions" in run("subscriptions").stderr
    assert run("unsubscribe", name).exit_code == 3


# ------------------------------------------------------------------------------ manifests
def test_a_manifest_is_made_true_after_its_difference_was_shown(run: Run, manifest: str) -> None:
    run("subscribe", f"{M_45S}[][1]", "--priority", "2")
    run("subscribe", M_45S)
    done = run("apply", manifest, "--yes")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"+ {SYNOPTIC}: keys CAR_ROT",
        f"~ {M_45S}[][1]: schedule none -> 17 3 * * *; priority 2 -> 0",
        f"- {M_45S}",
    ]
    assert [shown["record_set"] for shown in listed(run)] == [f"{M_45S}[][1]", SYNOPTIC]


def test_applying_what_is_printed_changes_nothing(run: Run, manifest: str, tmp_path: Path) -> None:
    run("apply", manifest, "--yes")
    before, printed = listed(run), run("subscriptions", "--toml").stdout
    (tmp_path / "again.toml").write_text(printed, encoding="utf-8")
    done = run("apply", str(tmp_path / "again.toml"))

    assert len(tomllib.loads(printed)["subscription"]) == 2
    assert (done.exit_code, done.stdout) == (0, "")
    assert "again.toml already" in done.stderr
    assert listed(run) == before


def test_of_a_manifest_too_it_is_said_what_brings_nothing_more(run: Run, tmp_path: Path) -> None:
    names = (f"{M_45S}[][1-2]", f"{M_45S}[2010.05.01_TAI/1d][1]", f"{M_45S}[][3]")
    text = "".join(f'[[subscription]]\nrecord_set = "{name}"\n' for name in names)
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    done = run("apply", str(tmp_path / "m.toml"), "--yes")

    (said,) = [line for line in done.stderr.splitlines() if "lies within" in line]
    assert said.startswith(f"{names[1]} lies within {names[0]}, which brings all of it")


def test_a_manifest_with_a_series_spelled_in_two_ways_is_refused(run: Run, tmp_path: Path) -> None:
    text = "".join(f'[[subscription]]\nrecord_set = "{name}"\n' for name in (M_45S, M_45S.upper()))
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    done = run("apply", str(tmp_path / "m.toml"), "--yes")

    assert done.exit_code == 2
    assert f"has {M_45S} twice; leave one of them" in done.stderr
    assert listed(run) == []


def test_a_dry_run_shows_the_difference_and_makes_no_mirror(
    run: Run, manifest: str, tmp_path: Path
) -> None:
    done = run("apply", manifest, "--dry-run", "--json")

    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["added"]) == 2
    assert not (tmp_path / "mirror").exists()


def test_without_a_terminal_nothing_is_changed_unasked(run: Run, manifest: str) -> None:
    done = run("apply", manifest)

    assert done.exit_code == 2
    assert "give --yes" in done.stderr
    assert listed(run) == []


def test_a_manifest_that_is_wrong_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    for wrong, code in [("seg = 1", 2), ('keys = ["NOSUCH"]', 2), ('precision = "exact"', 2)]:
        file.write_text(f"{MANIFEST}[[subscription]]\nrecord_set = '{M_45S}'\n{wrong}\n", "utf-8")
        assert run("apply", str(file), "--yes").exit_code == code
    assert listed(run) == []


# ------------------------------------------------------------------------------ sync
def test_sync_needs_a_record_set_or_all(run: Run) -> None:
    assert run("sync").exit_code == 2
    assert run("sync", M_45S, "--all").exit_code == 2


@pytest.mark.parametrize("options", [(), ("--key", "T_REC,QUALITY")])
def test_one_within_another_is_said_to_bring_nothing_more(
    run: Run, options: tuple[str, ...]
) -> None:
    run("subscribe", f"{M_45S}[][1-2]", *options)
    within = run("subscribe", f"{M_45S}[2010.05.01_TAI/1d][1]", "--key", "T_REC")
    assert f"It lies within {M_45S}[][1-2], which brings all of it" in within.stderr
    beside = run("subscribe", f"{M_45S}[2010.05.02_TAI/1d][3]", "--key", "T_REC")
    more = run("subscribe", f"{M_45S}[2010.05.03_TAI/1d][1]", "--key", "T_REC,DATARMS")
    again = run("subscribe", f"{M_45S}[2010.05.01_TAI/1d][1]", "--priority", "2")
    files = run(
        "subscribe", f"{M_45S}[2010.05.04_TAI/1d][1]", "--key", "T_REC", "--seg", "magnetogram"
    )
    said = [one.stderr for one in (beside, again, files, *([more] if options else []))]
    assert all(text and "lies within" not in text for text in said)


def test_where_nothing_was_synced_yet_status_says_how_to(run: Run) -> None:
    run("init")
    assert "The mirror is empty" in run("status").stderr
    run("subscribe", M_45S)
    assert run("status").stderr.endswith("Bring it in:\n  drmsmirror sync --all\n")


def test_a_sync_says_what_it_subscribes_to(run: Run) -> None:
    first, second = run("sync", M_45S), run("sync", f"{M_45S}[][1]")

    assert f"Subscribed to {M_45S}; `drmsmirror unsubscribe {M_45S}` ends that." in first.stderr
    assert "lies within the subscription to hmi.M_45s (number 1)" in second.stderr
    assert len(listed(run)) == 1


def test_all_is_told_one_by_one_and_in_sum(run: Run, manifest: str) -> None:
    run("apply", manifest, "--yes")
    done = run("sync", "--all", "--json", "--deadline", "1h")

    assert done.exit_code == 0
    assert [each["outcome"] for each in json.loads(done.stdout)] == ["done", "done"]
    assert "2 subscriptions: 2 done." in done.stderr


def test_some_failures_have_a_code_of_their_own(run: Run, manifest: str) -> None:
    run("apply", manifest, "--yes")
    run("subscribe", "hmi.nosuch", "--offline", "--priority", "9")
    done = run("sync", "--all", "--json")
    failed, *others = json.loads(done.stdout)

    assert done.exit_code == 5
    assert (failed["outcome"], failed["error"]) == ("failed", "unknown-series")
    assert [each["outcome"] for each in others] == ["done", "done"]
    assert "3 subscriptions: 1 failed, 2 done." in done.stderr


def test_where_all_fail_the_code_is_that_of_the_failure(run: Run) -> None:
    run("subscribe", "hmi.nosuch", "--offline")

    assert run("sync", "--all").exit_code == 3


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_nothing_to_sync_is_no_failure(run: Run, options: tuple[str, ...]) -> None:
    done = run("sync", "--all", *options)

    assert (done.exit_code, done.stdout) == (0, "")
    assert "There are no subscriptions" in done.stderr


def test_a_dry_run_of_all_is_summed_up_and_changes_nothing(run: Run, manifest: str) -> None:
    run("apply", manifest, "--yes")
    shown = run("sync", "--all", "--dry-run").stdout.splitlines()
    held = json.loads(run("status", "--json").stdout)

    assert [line.split()[0] for line in shown] == ["record", f"{M_45S}[][1]", SYNOPTIC, "all"]
    assert held["series"] == []


def test_of_what_is_the_same_no_speed_is_told_and_one_request_is_one(run: Run) -> None:
    run("sync", M_45S)
    again, compared = run("sync", M_45S), run("sync", M_45S, "--reconcile")

    assert "0 unchanged; 1 request, " in again.stderr
    assert "  0 records, compared up to the end\n" in compared.stderr


def test_requests_of_a_run_are_counted_over_all_series(
    run: Run, manifest: str, jsoc: SampleJsoc
) -> None:
    run("apply", manifest, "--yes")
    jsoc.clear_requests()
    done = run("sync", "--all", "--max-requests", "11")

    assert done.exit_code == 0
    assert len(jsoc.requests) == 11
    assert "2 subscriptions: 1 stopped, 1 not begun." in done.stderr
    assert f"% of {M_45S}[][1] is held; to go on:" in done.stderr


def test_so_few_that_nothing_comes_of_them_are_an_error(
    run: Run, manifest: str, jsoc: SampleJsoc
) -> None:
    run("apply", manifest, "--yes")
    jsoc.clear_requests()
    done = run("sync", "--all", "--max-requests", "3")

    assert done.exit_code == 5
    assert len(jsoc.requests) == 3
    assert "Allow at least 21 (--max-requests)" in done.stderr
    assert "2 subscriptions: 1 failed, 1 not begun." in done.stderr
