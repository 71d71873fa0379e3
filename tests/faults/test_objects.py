"""Putting objects, killed at every point: what is visible is whole, and the next time finishes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import drmsmirror
from tests.faults.putting import CONTENTS, put_all

PROJECT = Path(drmsmirror.__file__).parent.parent

#: Points that putting comes to, with the visits at which it is killed.
POINTS = [
    f"{subject}.{side}_{deed}:{visit}"
    for subject, deed, visits in (
        ("directory", "making", 3),
        ("directory", "fsync", 8),
        ("file", "truncation", 1),
        ("file", "appending", 3),
        ("file", "fsync", 3),
        ("file", "rename", 3),
        ("file", "write", 2),
        ("file", "linking", 1),
        ("file", "removal", 1),
    )
    for visit in range(1, visits + 1)
    for side in ("before", "after")
]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A folder for each point in which a process was killed there, and how each ended."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.faults.putting", str(folder), *POINTS],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    return folder, json.loads(done.stdout)


def digests(contents: tuple[bytes, ...]) -> set[str]:
    return {hashlib.sha256(content).hexdigest() for content in contents}


def visible(folder: Path) -> set[str]:
    """Names of the objects that can be seen; each is whole, and nobody writes to it."""
    found = set()
    for path in folder.glob("objects/??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
        found.add(path.name)
    return found


@pytest.mark.parametrize("point", POINTS)
def test_what_is_visible_is_whole_and_the_next_time_finishes(
    point: str, killed: tuple[Path, dict[str, int]]
) -> None:
    folder, codes = killed[0] / point, killed[1]
    assert codes[point] == -signal.SIGKILL
    assert visible(folder) <= digests(CONTENTS)
    store = put_all(folder)
    assert visible(folder) == digests(CONTENTS)
    assert {one.sha256 for one in store.walk()} == digests(CONTENTS)
    assert list(folder.glob("objects/incoming/*")) == list(folder.glob("objects/incoming/.*")) == []
    assert (folder / "copied").read_bytes() == CONTENTS[1]
    assert (folder / "linked").read_bytes() == CONTENTS[2]
