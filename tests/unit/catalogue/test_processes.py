"""Whether a process is still alive."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from drmsmirror.catalogue import processes
from drmsmirror.catalogue.processes import Process, has_ended, this_process


def identity_of(pid: int) -> Process:
    here = this_process()
    space = here.identity.partition("#")[0]
    return replace(here, pid=pid, identity=f"{space}#{processes._began(pid)}")


def test_this_process_lives() -> None:
    assert not has_ended(this_process())


def test_a_process_ends_when_it_is_killed_and_not_when_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        known = identity_of(process.pid)
        assert not has_ended(known)
        process.kill()
        # WNOWAIT: wait for its end, but leave it in the table of processes
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(known)
        process.wait()
        assert has_ended(known)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_another_process_of_the_same_number_is_not_the_same() -> None:
    here = this_process()
    space = here.identity.partition("#")[0]
    assert has_ended(replace(here, identity=f"{space}#1"))


def test_processes_elsewhere_may_live() -> None:
    here = this_process()
    began = here.identity.partition("#")[2]
    assert not has_ended(replace(here, pid=2**22 + 1, identity=f"another boot/pid:[1]#{began}"))
    assert has_ended(replace(here, pid=2**22 + 1))
