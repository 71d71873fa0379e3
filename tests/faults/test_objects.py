"""Putting objects, killed at every point: what is visible is whole, and the next time finishes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

import drmsmirror
from drmsmirror.errors import NoSpaceError
from drmsmirror.objects import Condition, LocalObjects, RemoteObjects, connect
from tests.contract.conftest import line_of, obedient, run_child, tell
from tests.faults.putting import CONTENTS, prepare, put_all, upload

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


#: Waits for the others, and then puts the same as they do, again and again.
PUTTING = """
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from drmsmirror.objects import LocalObjects, Way
folder, own = Path(sys.argv[1]), sys.argv[2]
store = LocalObjects(folder / "objects")
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    with store.part(own * 16) as part:
        part.append(b"%d" % number * 20_000)
        digest = part.finish().sha256
    (folder / own).write_bytes(b"%d" % number * 20_000)
    assert store.put_file(folder / own).sha256 == digest
    assert store.size(digest) is not None
print("done", flush=True)
"""


def test_processes_that_put_the_same_bytes_do_not_disturb_one_another(tmp_path: Path) -> None:
    with ExitStack() as running:
        processes = [
            running.enter_context(obedient(PUTTING, str(tmp_path), digit)) for digit in "abc"
        ]
        for process in processes:
            tell(process)
        assert [line_of(process) for process in processes] == ["done"] * 3
    assert visible(tmp_path) == digests(tuple(b"%d" % number * 20_000 for number in range(30)))
    assert list((tmp_path / "objects" / "incoming").iterdir()) == []


def test_a_store_is_its_groups_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        put_all_anew(tmp_path / "folder")
        with LocalObjects(tmp_path / "folder" / "objects").part("ab" * 8) as part:
            assert part is not None
            part.append(b"begun")
    finally:
        os.umask(before)
    objects = tmp_path / "folder" / "objects"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [objects, *objects.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o2775}
    assert {mode for path, mode in modes.items() if len(path.name) == 64} == {0o444}
    begun = {path.name: mode for path, mode in modes.items() if path.parent.name == "incoming"}
    assert begun == {"abababababababab.part": 0o664, "abababababababab.note": 0o664}


def put_all_anew(folder: Path) -> None:
    prepare(folder)
    put_all(folder)


#: Another user of the group begins a part again that one left; who may write nothing reads.
OTHER_USERS = """
import os, sys, tempfile, traceback
from pathlib import Path
from drmsmirror.errors import StoreError
from drmsmirror.objects import LocalObjects
root = Path(sys.argv[1], "objects")

def be(user, group, deed):
    child = os.fork()
    if not child:
        os.setgroups([]); os.setgid(group); os.setuid(user); os.umask(0o077)
        try:
            deed(LocalObjects(root))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(70)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, deed.__name__

def begin(store):
    for name in ("ab" * 8, "cd" * 8):
        with store.part(name) as part:
            part.append(b"begun")
    (root / "incoming" / ("cd" * 8 + ".part")).chmod(0o444)  # as when it is killed before renaming

def finish(store):
    for name in ("ab" * 8, "cd" * 8):
        with store.part(name) as part:
            assert part.size_bytes == 0  # another's protects nobody: it is begun again
            part.append(name.encode())
            stored = part.finish()
        assert (root / stored.sha256[:2] / stored.sha256).stat().st_uid == 65533

def read(store):
    for stored in store.walk():
        assert store.hash_of(stored.sha256).found_sha256 == stored.sha256
        for deed in (lambda: store.remove(stored.sha256), lambda: store.put_file(Path(__file__))):
            try:
                deed()
            except StoreError as error:
                assert "Permission denied" in str(error), error
            else:
                raise AssertionError
    assert len(list(store.walk())) == 2

with tempfile.TemporaryDirectory() as scratch:  # others may not be able to import anything
    warm = LocalObjects(Path(scratch, "objects"))
    with warm.part("ab" * 8) as part:
        part.append(b"content")
        part.finish()
    warm.put_file(Path(__file__))
    [warm.hash_of(stored.sha256) for stored in warm.walk()]
be(65534, 65532, begin)
be(65533, 65532, finish)
be(65531, 65531, read)
print("done")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")
def test_users_of_a_group_share_a_store() -> None:
    with tempfile.TemporaryDirectory() as folder:  # others cannot reach pytest's
        os.chown(folder, 65534, 65532)
        Path(folder).chmod(0o2775)
        (Path(folder) / "program.py").write_text(OTHER_USERS)
        done = subprocess.run(
            [sys.executable, "-P", str(Path(folder) / "program.py"), folder],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_file_that_may_not_grow_is_told_and_tears_nothing(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from drmsmirror.errors import StoreError
from drmsmirror.objects import LocalObjects
store = LocalObjects(Path(sys.argv[1], "objects"))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
with store.part("ab" * 8) as part:
    part.append(b"a" * 60_000)
    try:
        part.append(b"b" * 60_000)
    except StoreError as error:
        print(type(error).__name__)
    assert part.size_bytes == 60_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    part.append(b"b" * 60_000)
    print(part.finish().sha256)
"""
    code, out, err = run_child(program, str(tmp_path))
    assert (code, err) == (0, "")
    assert out.split() == ["StoreError", *digests((b"a" * 60_000 + b"b" * 60_000,))]
    assert visible(tmp_path) == set(out.split()[1:])


def test_a_disk_that_is_full_is_told_and_tears_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "drmsmirror-test", str(disk)],
        capture_output=True,
        check=False,
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system of its own cannot be mounted here")
    try:
        store = LocalObjects(disk / "objects")
        (tmp_path / "large").write_bytes(b"large" * 300_000)
        small = digests((b"b" * 500_000,))
        with store.part("ab" * 8) as part:
            assert part is not None
            part.append(b"b" * 500_000)
            with pytest.raises(NoSpaceError):
                part.append(b"b" * 900_000)
            with pytest.raises(NoSpaceError):
                store.put_file(tmp_path / "large")
            assert visible(disk) == set()
            assert {part.finish().sha256} == small
        with pytest.raises(NoSpaceError):
            store.put_file(tmp_path / "large")
        assert visible(disk) == small
        assert list((disk / "objects" / "incoming").iterdir()) == []
        assert store.free_bytes() < 600_000
    finally:
        subprocess.run(["umount", str(disk)], check=True)


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
