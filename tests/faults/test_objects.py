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
from drmsmirror.objects import Condition, RemoteObjects, connect
from tests.faults.putting import CONTENTS, put_all, upload

PROJECT = Path(drmsmirror.__file__).parent.parent

#: Points that putting comes to, with the visits at which it is killed.
LOCAL = [
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


#: Those of S3; the second upload is that of what was set aside.
REMOTE = [
    f"object.{side}_{deed}"
    for deed in ("upload", "upload:2", "removal")
    for side in ("before", "after")
]

POINTS = [*LOCAL, *REMOTE]


def kill_at(points: list[str], kind: str, folder: Path) -> dict[str, int]:
    """Have processes killed at points, in a folder each; how each ended."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.faults.putting", kind, str(folder), *points],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    codes: dict[str, int] = json.loads(done.stdout)
    return codes


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A folder for each point in which a process was killed there, and how each ended."""
    folder = tmp_path_factory.mktemp("killed")
    return folder, kill_at(LOCAL, "local", folder)


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


@pytest.mark.parametrize("point", LOCAL)
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


def test_what_is_visible_in_s3_is_whole_and_the_next_time_finishes(s3: str, tmp_path: Path) -> None:
    codes = kill_at(REMOTE, s3, tmp_path)
    assert set(codes.values()) == {-signal.SIGKILL}
    digest, connection = hashlib.sha256(CONTENTS[0]).hexdigest(), connect()
    for point in REMOTE:
        store = RemoteObjects(f"{s3}/{point}", tmp_path / point / "objects", connection)
        there = [one.sha256 for one in store.walk()]
        assert there == (
            [] if point in ("object.before_upload", "object.after_removal") else [digest]
        )
        assert [store.hash_of(name).condition for name in there] in ([], [Condition.INTACT])
        assert (
            upload(s3, tmp_path / point, connection).hash_of(digest).condition is Condition.INTACT
        )
        assert list((tmp_path / point / "objects" / "incoming").iterdir()) == []
