"""The engine: what it does not notice by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from drmsmirror.records import connect

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
