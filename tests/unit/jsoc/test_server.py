"""The server itself: connections, the log, stopping, the command line."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.jsoc import SampleJsoc
from tests.jsoc.__main__ import _build, _parser, main

from .asking import body_of, fetch, info, paths

ROOT = Path(__file__).resolve().parents[3]
DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"


def test_connections_are_kept_alive(jsoc: SampleJsoc) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", jsoc.port, timeout=30)
    sockets = set()
    for _ in range(3):
        connection.request("GET", f"/cgi-bin/ajax/jsoc_info?op=rs_summary&ds={DAY}")
        response = connection.getresponse()
        assert json.loads(response.read())["count"] == 120
        sockets.add(connection.sock)
    assert len(sockets) == 1
    connection.close()


def test_raw_brackets_and_absolute_targets(jsoc: SampleJsoc) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", jsoc.port, timeout=30)
    target = f"http://jsoc.stanford.edu/cgi-bin/ajax/jsoc_info?op=rs_summary&ds={DAY}"
    connection.request("GET", target)
    assert json.loads(connection.getresponse().read())["count"] == 120
    connection.close()


def test_the_log(living: SampleJsoc) -> None:
    info(living, "rs_list", DAY, key="T_REC", n=5)
    body_of(living, "nosuch")
    first, second = living.requests
    assert (first.cgi, first.op, first.ds, first.rows) == ("jsoc_info", "rs_list", DAY, 5)
    assert first.params["n"] == "5"
    assert first.status == 200
    assert first.started <= first.ended
    assert first.bytes > 100
    assert second.status == 404
    living.clear_requests()
    assert living.requests == []


def test_only_records_that_are_listed_take_their_time(living: SampleJsoc) -> None:
    waits: list[float | None] = []
    living.wait = waits.append  # type: ignore[method-assign]
    living.latency, living.latency_per_record = 1.0, 0.5
    info(living, "rs_summary", DAY)
    info(living, "series_struct", "hmi.sharp_720s")
    body_of(living, "show_series")
    info(living, "rs_list", DAY, key="T_REC", n=4)
    assert waits == [1.0, 1.0, 1.0, 3.0]
    assert [request.rows for request in living.requests] == [0, 0, 0, 4]


def test_requests_in_flight_are_counted(living: SampleJsoc) -> None:
    together = threading.Barrier(3)
    plain = living.wait
    living.wait = lambda seconds: (together.wait(30), plain(seconds))[1]  # type: ignore[method-assign]
    threads = [
        threading.Thread(target=info, args=(living, "rs_summary", "hmi.M_45s")) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert living.max_in_flight == 3
    assert living.in_flight_now == 0


def test_stop_and_start_again_on_the_same_port(living: SampleJsoc) -> None:
    port = living.port
    kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    kept.request("GET", f"/cgi-bin/ajax/jsoc_info?op=rs_summary&ds={DAY}")
    kept.getresponse().read()
    living.stop()
    living.stop()
    with pytest.raises(ConnectionError):
        body_of(living, "show_series")
    living.start()
    assert living.port == port
    assert info(living, "rs_summary", DAY)["count"] == 120
    kept.close()


def test_latency_is_interruptible(living: SampleJsoc) -> None:
    living.latency = 3600.0
    failed = threading.Event()

    def ask() -> None:
        try:
            body_of(living, "show_series")
        except (OSError, http.client.HTTPException):
            failed.set()

    thread = threading.Thread(target=ask)
    thread.start()
    while living.in_flight_now == 0:
        thread.join(0.001)
    living.stop()
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command(tmp_path: Path, number: signal.Signals) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "tests.jsoc", "--size", "small", "--series", "hmi.M_45s"]
    with subprocess.Popen(
        [*command, "--port-file", str(port_file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        assert url == f"http://127.0.0.1:{port_file.read_text().strip()}/"
        with urllib.request.urlopen(f"{url}cgi-bin/ajax/show_series") as response:
            assert json.loads(response.read())["n"] == 1
        running.send_signal(number)
        assert running.wait(30) == 0


def test_command_lists_series() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "tests.jsoc", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"hmi.sharp_720s", "hmi.M_45s", "aia.lev1", "iris.lev1"} <= set(listed)


def test_command_help() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "tests.jsoc", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in ("--port", "--port-file", "--size", "--latency-per-record", "--row-cap"):
        assert option in shown
    for option in ("--fault-on", "--on-tape", "--files", "--polls", "--no-staging", "--max-mb"):
        assert option in shown


def test_the_command_builds_what_its_options_say(tmp_path: Path) -> None:
    (tmp_path / "hmi.M_45s.100001.magnetogram.fits").write_bytes(b"real bytes")
    (tmp_path / "README").write_bytes(b"not a file of a record")
    options = "--series hmi.M_45s --size small --on-tape 0 --polls 3 --no-staging --max-mb 5"
    more = ["--files", str(tmp_path), "--fault", "empty-body", "--fault-on", "rs_summary"]
    with _build(_parser().parse_args([*options.split(), *more])) as jsoc:
        ds = "hmi.M_45s[:#100001]"
        assert body_of(jsoc, "jsoc_info", op="rs_summary", ds=ds) == b""
        series = info(jsoc, "rs_list", "hmi.M_45s", key="*online*")["keywords"][0]
        assert set(series["values"]) == {"Y"}
        assert fetch(jsoc, paths(jsoc, ds)[0])[1] == b"real bytes"
        assert (jsoc.exports.polls, jsoc.exports.stages, jsoc.exports.max_mb) == (3, False, 5.0)


def test_the_command_says_what_it_cannot_serve(tmp_path: Path) -> None:
    series = ["--series", "hmi.M_45s", "--size", "small"]
    assert main([*series, "--files", str(tmp_path / "nosuch")]) == 2
