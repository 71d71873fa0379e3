"""Metrics: right after a restart, in the file and over HTTP, and described as they are."""

from __future__ import annotations

import builtins
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import drmsmirror
from drmsmirror.catalogue import RunOutcome
from drmsmirror.daemon.metrics import (
    check_metrics,
    metrics_text,
    serving_metrics,
    write_metrics_file,
)
from drmsmirror.errors import MissingLibraryError, SettingsError
from drmsmirror.model.times import parse_time
from tests.unit.daemon.conftest import START, Watch

PAGE = Path(drmsmirror.__file__).parents[1] / "docs" / "daemon.md"
SERIES = "hmi.sharp_720s"

Make = Callable[..., Watch]


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def kinds(text: bytes) -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels of every metric that is exported."""
    return {
        one.name: (family.type, frozenset(one.labels))
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def counters(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples of what only grows."""
    return {key: value for key, value in samples(text).items() if key[0].endswith("_total")}


@pytest.fixture
def synced(watch: Make) -> Watch:
    """Give a mirror that was synced once, and is an hour older."""
    at = watch(SERIES)
    at.subscribe(SERIES)
    at.clock.move(3600)
    assert at.daemon().look()
    at.clock.move(600)
    return at


def test_what_runs_now_is_counted_when_it_has_ended(synced: Watch) -> None:
    with synced.mirror() as mirror:
        before = counters(metrics_text(mirror))
        run = mirror.catalogue.runs.start(SERIES, SERIES)
        assert counters(metrics_text(mirror)) == before
        mirror.catalogue.runs.finish(run.id, RunOutcome.STOPPED)
        after = counters(metrics_text(mirror))
    assert after.items() > before.items()


def test_every_number_is_there_after_a_restart(synced: Watch) -> None:
    with synced.mirror() as mirror:
        found = samples(metrics_text(mirror))
        newest = max(synced.copy.jsoc.series(SERIES).columns["t_rec"].tolist())
        (run,) = mirror.catalogue.runs.recent()
    series = (("series", SERIES),)

    assert found["drmsmirror_up", ()] == 1
    assert found["drmsmirror_watermark_age_seconds", series] == 600
    assert found["drmsmirror_rows", series] == 20
    assert found["drmsmirror_last_success_timestamp_seconds", series] == START.timestamp() + 3600
    assert found["drmsmirror_records_total", (("op", "insert"), *series)] == 20
    assert found["drmsmirror_records_total", (("op", "revise"), *series)] == 0
    assert found["drmsmirror_upstream_requests_total", (("outcome", "done"),)] == (
        run.counters.requests
    )
    # 2024.05.10_13:10 UTC in TAI, less the time of the newest record
    now = parse_time("2024.05.10_13:10:00_UTC")
    lag = found["drmsmirror_sync_lag_seconds", series]
    assert lag == pytest.approx(now - newest)


def test_the_page_describes_what_is_exported(synced: Watch) -> None:
    rows = re.findall(
        r"^\| `(drmsmirror_\w+)` \| (\w+) \| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )
    described = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows
    }

    with synced.mirror() as mirror:
        mirror.catalogue.checks.save(SERIES, "a.parquet", None)
        assert described == kinds(metrics_text(mirror))


def test_what_was_read_and_compared_is_told(synced: Watch) -> None:
    with synced.mirror() as mirror:
        for name, problem in (("a", None), ("b", None), ("c", "it is cut")):
            mirror.catalogue.checks.save(SERIES, name, problem)
        found = samples(metrics_text(mirror))
        (compared,) = mirror.catalogue.reconciliations.of_series(SERIES).items()
    series = ("series", SERIES)
    assert found["drmsmirror_verify_files", (("result", "sound"), series)] == 2
    assert found["drmsmirror_verify_files", (("result", "damaged"), series)] == 1
    labels = (("record_set", compared[0]), series)
    since = compared[1].checked_since_utc
    assert since is not None
    assert found["drmsmirror_compared_since_timestamp_seconds", labels] == since.timestamp()
    assert found["drmsmirror_compare_timestamp_seconds", labels] == (
        compared[1].worked_utc.timestamp()
    )


def test_without_a_catalogue_that_is_all_there_is(synced: Watch) -> None:
    mirror = synced.mirror()
    mirror.close()

    assert {name for name, _ in samples(metrics_text(mirror))} == {
        "drmsmirror_up",
        "drmsmirror_info",
    }
    assert samples(metrics_text(mirror))["drmsmirror_up", ()] == 0


def test_they_are_served_while_the_block_runs(watch: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = watch(SERIES, daemon={"metrics_port": port})
    url = f"http://127.0.0.1:{port}/metrics"
    mirror = at.mirror()
    with serving_metrics(mirror):
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert samples(answer.read())["drmsmirror_up", ()] == 1
        with pytest.raises(SettingsError, match=r"daemon\.metrics_port"), serving_metrics(mirror):
            pass
    with serving_metrics(mirror):  # the port is free again
        pass


def test_every_sync_leaves_them_in_a_file_even_one_that_fails(watch: Make, tmp_path: Path) -> None:
    file = tmp_path / "drmsmirror.prom"
    at = watch(SERIES, daemon={"metrics_file": str(file), "maintain": ""})
    at.subscribe(SERIES)
    at.subscribe("test.nosuch", priority=-1)
    at.clock.move(3600)
    at.daemon().look()

    found = samples(file.read_bytes())
    assert found["drmsmirror_rows", (("series", SERIES),)] == 20
    at.clock.move(3600)
    at.daemon().look()
    assert samples(file.read_bytes()) != found


def test_a_file_that_cannot_be_written_fails_no_sync(watch: Make, tmp_path: Path) -> None:
    at = watch(SERIES, daemon={"metrics_file": str(tmp_path / "absent" / "drmsmirror.prom")})
    at.subscribe(SERIES)
    at.clock.move(3600)

    (done,) = [one for one in at.daemon().look() if one.name != "maintain"]
    assert str(done.outcome) == "done"
    assert len(at.events("metrics.unwritten")) == 1


@pytest.mark.parametrize("wanted", [{"metrics_port": 9}, {"metrics_file": "x.prom"}])
def test_without_the_library_it_is_told_what_to_install(
    watch: Make, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def absent(name: str, *about: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "prometheus_client":
            raise ModuleNotFoundError(name=name)
        return real(name, *about, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    check_metrics(watch(SERIES).mirror())  # none are wanted
    write_metrics_file(watch(SERIES).mirror())
    with pytest.raises(MissingLibraryError, match=r"drmsmirror\[metrics\]"):
        check_metrics(watch(SERIES, daemon=wanted).mirror())
