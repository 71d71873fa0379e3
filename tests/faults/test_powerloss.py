"""Objects after the power went, at any step: what is visible is whole, what was said is so."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drmsmirror.objects import LocalObjects, Way
from tests.faults.powerloss import Disk, recording

#: What is downloaded, by the name of its part.
DOWNLOADS = {digit * 16: digit.encode() * 300 for digit in "abc"}
WRONG = b"wrong" * 10
FILES = {"copied": b"copied" * 50, "linked": b"linked" * 50}


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Mirror:
    """A store whose disk is looked at after each step."""

    def __init__(self, root: Path, elsewhere: Path) -> None:
        self.root = root
        self.store = LocalObjects(root / "objects", boot="first")
        self._elsewhere = elsewhere
        self._seen: set[tuple[str, bytes | None, bytes | None]] = set()
        #: Objects that were said to be there, and those that were said not to be.
        self.promised: set[str] = set()
        self.taken_out: set[str] = set()
        self.states = 0

    def look(self, disk: Disk) -> None:
        for files in disk.after_power_loss():
            self.states += 1
            visible = {path.name: content for path, content in files.items() if is_object(path)}
            for name, content in visible.items():
                assert digest_of(content) == name
            assert self.promised <= visible.keys()
            assert not self.taken_out & visible.keys()
            for name in DOWNLOADS:
                incoming = Path("objects", "incoming")
                part = files.get(incoming / f"{name}.part")
                self._resume(name, part, files.get(incoming / f"{name}.note"))

    def _resume(self, name: str, part: bytes | None, note: bytes | None) -> None:
        """Go on after the host was started again: with what was downloaded, and nothing else."""
        if (name, part, note) in self._seen:
            return
        self._seen.add((name, part, note))
        root = self._elsewhere / str(len(self._seen))
        (root / "incoming").mkdir(parents=True)
        for suffix, content in ((".part", part), (".note", note)):
            if content is not None:
                (root / "incoming" / f"{name}{suffix}").write_bytes(content)
        with LocalObjects(root, boot="second").part(name) as resumed:
            assert resumed is not None
            there = (root / "incoming" / f"{name}.part").read_bytes()
            assert len(there) == resumed.size_bytes
            assert DOWNLOADS[name].startswith(there) or WRONG.startswith(there)


def is_object(path: Path) -> bool:
    return len(path.parts) == 3 and len(path.name) == 64 and path.parts[1] != "quarantine"


def download(store: LocalObjects, name: str, until: int | None = None) -> str | None:
    """Go on with a download, to its end or until so much is there."""
    content = DOWNLOADS[name]
    with store.part(name) as part:
        assert part is not None
        while part.size_bytes < (until or len(content)):
            part.append(content[part.size_bytes : part.size_bytes + 120])
        return None if until else part.finish().sha256


def begin_wrongly(store: LocalObjects, name: str) -> None:
    """Download other bytes, notice it, and begin again."""
    with store.part(name) as part:
        assert part is not None
        part.append(WRONG)
    with store.part(name) as part:
        assert part is not None
        part.restart()
        part.append(DOWNLOADS[name][:100])


def adopt(mirror: Mirror, name: str) -> str:
    path = mirror.root / name
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(handle, FILES[name], 0)
        os.fsync(handle)
        os.close(handle)
    way = Way.COPY if name == "copied" else Way.HARD_LINK
    return mirror.store.put_file(path, [way]).sha256


def do(mirror: Mirror, deed: str, name: str) -> None:
    digest = digest_of((DOWNLOADS | FILES)[name])
    match deed:
        case "begin":
            download(mirror.store, name, until=120)
        case "begin wrongly":
            begin_wrongly(mirror.store, name)
        case "put":
            mirror.taken_out.discard(digest)
            found = adopt(mirror, name) if name in FILES else download(mirror.store, name)
            assert found == digest
            mirror.promised.add(digest)
        case "set aside":
            mirror.promised.discard(digest)
            mirror.store.set_aside(digest)
            mirror.taken_out.add(digest)


def run(folder: Path, deeds: list[tuple[str, str]]) -> Mirror:
    (folder / "mirror").mkdir(parents=True)
    mirror = Mirror(folder / "mirror", folder / "resumed")
    with recording(folder / "mirror", mirror.look):
        do_all(mirror, deeds)
    return mirror


def do_all(mirror: Mirror, deeds: list[tuple[str, str]]) -> None:
    for deed, name in deeds:
        do(mirror, deed, name)


A, B, C = DOWNLOADS
EVERYTHING = [
    ("put", A), ("begin", B), ("put", "copied"), ("put", B), ("put", A), ("begin wrongly", C),
    ("put", "linked"), ("put", "linked"), ("set aside", A), ("put", C), ("put", A),
    ("set aside", "linked"), ("set aside", B),
]  # fmt: skip


def test_no_power_loss_shows_what_is_not_whole_or_takes_what_was_promised(tmp_path: Path) -> None:
    assert run(tmp_path, EVERYTHING).states > 500


BEGUN = st.tuples(st.sampled_from(["begin", "begin wrongly"]), st.sampled_from([*DOWNLOADS]))
DONE = st.tuples(st.sampled_from(["put", "set aside"]), st.sampled_from([*DOWNLOADS, *FILES]))


@settings(max_examples=15)
@given(deeds=st.lists(BEGUN | DONE, min_size=1, max_size=6))
def test_in_whatever_order_things_are_done(
    deeds: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    done, begun = [], set[str]()
    for deed, name in deeds:  # a download is not begun wrongly that has begun
        if deed != "begin wrongly" or name not in begun:
            done.append((deed, name))
        begun = begun - {name} if deed == "put" else begun | {name}
    run(tmp_path_factory.mktemp("any"), done)


def test_what_another_left_before_its_last_flush_is_flushed_by_who_finds_it(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    mirror = Mirror(tmp_path / "mirror", tmp_path / "resumed")
    with recording(tmp_path / "mirror", mirror.look):
        do(mirror, "put", "copied")
        with pytest.MonkeyPatch.context() as patch:
            recorded = os.fsync

            def fsync(handle: int) -> None:
                if Path(f"/proc/self/fd/{handle}").readlink().name == digest_of(DOWNLOADS[A])[:2]:
                    raise KeyboardInterrupt
                recorded(handle)

            patch.setattr(os, "fsync", fsync)
            with pytest.raises(KeyboardInterrupt):
                do(mirror, "put", A)
        do(mirror, "put", A)


@pytest.mark.parametrize("lost", ["a file", "a directory"])
def test_a_flush_that_is_left_out_is_noticed(lost: str, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    mirror = Mirror(tmp_path / "mirror", tmp_path / "resumed")
    with recording(tmp_path / "mirror", mirror.look), pytest.MonkeyPatch.context() as patch:
        recorded = os.fsync

        def fsync(handle: int) -> None:
            if Path(f"/proc/self/fd/{handle}").is_dir() != (lost == "a directory"):
                recorded(handle)

        patch.setattr(os, "fsync", fsync)
        with pytest.raises(AssertionError):
            do_all(mirror, EVERYTHING)
