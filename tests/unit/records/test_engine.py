"""The engine: what it does not notice by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import duckdb
import pytest

from drmsmirror.records import Interruptible, OutOfTimeError, connect

_LONG = """
from drmsmirror.records import Interruptible, connect

sql = "SELECT sum(sin(a.range * b.range)) FROM range(300000) a, range(300000) b"
with connect() as connection, Interruptible(connection) as do:
    print("begun", flush=True)
    do(lambda: connection.execute(sql).fetchall())
"""


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.0])
def test_ctrl_c_ends_a_long_calculation(seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _LONG],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err


def test_what_the_engine_makes_of_ctrl_c_is_ctrl_c_again() -> None:
    with pytest.raises(KeyboardInterrupt), connect():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="else"), connect():
        raise RuntimeError("anything else")


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 9 FROM n) SELECT max(i) FROM n"


@pytest.mark.parametrize("seconds", [0.0, 1e-6, 0.1])
def test_what_takes_longer_than_it_may_is_stopped(seconds: float) -> None:
    with connect() as connection:
        with (
            pytest.raises(OutOfTimeError),
            Interruptible(connection, seconds) as do,
        ):
            do(lambda: connection.execute(ENDLESS).fetchall())
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_what_ends_in_time_is_given_and_errors_are_the_engines_own() -> None:
    with connect() as connection, Interruptible(connection, 60.0) as do:
        assert do(lambda: connection.execute("SELECT 1").fetchall()) == [(1,)]
        with pytest.raises(duckdb.Error, match="nope"):
            do(lambda: connection.execute("SELECT nope"))


def test_all_that_is_done_has_one_time_together() -> None:
    with connect() as connection, Interruptible(connection, 0.2) as do:

        def again_and_again() -> None:
            while True:
                do(lambda: connection.execute("SELECT sum(range) FROM range(1000000)").fetchall())

        with pytest.raises(OutOfTimeError):
            again_and_again()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
