"""Objects at a user's own paths: linked or copied, never over anything, never elsewhere."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from pathlib import Path, PurePosixPath

import pytest

from drmsmirror.errors import NoObjectError, StoreError
from drmsmirror.objects import Laid, Laying, LocalObjects, Way, lay

CONTENT = b"content"
NAME = PurePosixPath("hmi.m_45s", "20110215_020000_TAI", "magnetogram.fits")


@pytest.fixture
def store(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path / "objects")


@pytest.fixture
def digest(store: LocalObjects, tmp_path: Path) -> str:
    (tmp_path / "file").write_bytes(CONTENT)
    return store.put_file(tmp_path / "file").sha256


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "laid"


def no_links(path: Path, target: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", no_links)


def with_reflinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file system that clones, as far as can be seen."""

    def ioctl(writing: int, request: int, reading: int) -> int:
        assert request == 0x40049409
        os.pwrite(writing, os.pread(reading, 2**20, 0), 0)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)


def all_in(directory: Path) -> list[str]:
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()
    )


def laid(store: LocalObjects, digest: str, directory: Path, laying: Laying) -> Way | None:
    found = lay(store, digest, directory, NAME, laying)
    assert found.path == directory / NAME
    assert found.path.read_bytes() == CONTENT
    assert all_in(directory) == [str(NAME)]
    return found.way


def test_a_link_is_a_hard_one_that_is_not_to_be_written(store, digest, directory) -> None:
    assert laid(store, digest, directory, Laying.LINK) is Way.HARD_LINK
    assert (directory / NAME).samefile(store.local_path(digest))
    assert stat.S_IMODE((directory / NAME).stat().st_mode) == 0o444
    (directory / NAME).unlink()
    assert store.exists(digest)


def test_a_link_is_symbolic_where_there_are_no_others(
    store, digest, directory, monkeypatch
) -> None:
    no_hard_links(monkeypatch)
    assert laid(store, digest, directory, Laying.LINK) is Way.SYMLINK
    assert (directory / NAME).readlink() == store.local_path(digest)


def test_an_object_that_could_be_written_is_not_hard_linked(store, digest, directory) -> None:
    store.local_path(digest).chmod(0o644)
    assert laid(store, digest, directory, Laying.LINK) is Way.SYMLINK


def test_a_link_is_a_copy_where_there_are_none_at_all(
    store, digest, directory, monkeypatch
) -> None:
    no_hard_links(monkeypatch)
    monkeypatch.setattr(Path, "symlink_to", no_links)
    assert laid(store, digest, directory, Laying.LINK) is Way.COPY
    assert not (directory / NAME).samefile(store.local_path(digest))


@pytest.mark.parametrize("laying", Laying)
def test_a_file_system_that_clones_is_made_use_of(
    store, digest, directory, laying, monkeypatch
) -> None:
    with_reflinks(monkeypatch)
    assert laid(store, digest, directory, laying) is Way.REFLINK
    assert stat.S_IMODE((directory / NAME).stat().st_mode) == 0o644
    assert not (directory / NAME).samefile(store.local_path(digest))


@pytest.mark.parametrize("links", [True, False])
def test_a_copy_is_there_to_be_written(store, digest, directory, links, monkeypatch) -> None:
    if not links:
        no_hard_links(monkeypatch)
    assert laid(store, digest, directory, Laying.COPY) is Way.COPY
    with (directory / NAME).open("ab") as file:
        file.write(b", changed")
    assert store.local_path(digest).read_bytes() == CONTENT


@pytest.mark.parametrize("first", Laying)
def test_what_stands_there_already_is_left_alone(store, digest, directory, first) -> None:
    laid(store, digest, directory, first)
    before = (directory / NAME).stat()
    assert laid(store, digest, directory, Laying.LINK) is None
    assert os.path.samestat((directory / NAME).stat(), before)


@pytest.mark.parametrize("links", [True, False])
def test_a_link_becomes_a_copy_where_one_is_wanted(
    store, digest, directory, links, monkeypatch
) -> None:
    if not links:
        no_hard_links(monkeypatch)
    laid(store, digest, directory, Laying.LINK)
    assert laid(store, digest, directory, Laying.COPY) is Way.COPY
    assert not (directory / NAME).samefile(store.local_path(digest))
    assert laid(store, digest, directory, Laying.COPY) is None


@pytest.mark.parametrize("laying", Laying)
@pytest.mark.parametrize("kind", ["file", "directory", "link to nothing", "link to another"])
def test_another_file_is_never_replaced(store, digest, directory, laying, kind, tmp_path) -> None:
    target = directory / NAME
    target.parent.mkdir(parents=True)
    match kind:
        case "file":
            target.write_bytes(b"mine")
        case "directory":
            target.mkdir()
        case "link to nothing":
            target.symlink_to(tmp_path / "nothing")
        case _:
            (tmp_path / "other").write_bytes(b"mine")
            target.symlink_to(tmp_path / "other")
    before = target.lstat()
    with pytest.raises(StoreError, match=r"magnetogram\.fits is there and is another file"):
        lay(store, digest, directory, NAME, laying)
    assert os.path.samestat(target.lstat(), before)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("laying", Laying)
@pytest.mark.parametrize("content", [CONTENT, b"mine"])
def test_somebody_who_was_quicker_is_not_replaced(
    store, digest, directory, laying, content, monkeypatch
) -> None:
    real = Path.hardlink_to

    def hardlink_to(self: Path, target: Path) -> None:
        self.write_bytes(content)
        real(self, target)

    monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    if content == CONTENT:
        assert lay(store, digest, directory, NAME, laying) == Laid(directory / NAME, None)
    else:
        with pytest.raises(StoreError, match="another file"):
            lay(store, digest, directory, NAME, laying)
    assert (directory / NAME).read_bytes() == content
    assert all_in(directory) == [str(NAME)]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/etc/x", "a/..", "x\0y"])
def test_a_name_that_leads_elsewhere_is_refused(store, digest, directory, name) -> None:
    with pytest.raises(StoreError, match="names nothing below"):
        lay(store, digest, directory, PurePosixPath(name), Laying.COPY)
    assert not directory.exists()


def test_a_link_that_leads_elsewhere_is_not_followed(store, digest, directory, tmp_path) -> None:
    directory.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (directory / NAME.parts[0]).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="elsewhere"):
        lay(store, digest, directory, NAME, Laying.COPY)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_directory_may_itself_be_a_link(store, digest, directory, tmp_path) -> None:
    (tmp_path / "disk").mkdir()
    directory.symlink_to(tmp_path / "disk")
    lay(store, digest, directory, NAME, Laying.COPY)
    assert (tmp_path / "disk" / NAME).read_bytes() == CONTENT


def test_an_object_that_is_not_there_is_told(store, directory) -> None:
    with pytest.raises(NoObjectError, match="f" * 64):
        lay(store, "f" * 64, directory, NAME, Laying.LINK)


def test_a_full_disk_leaves_nothing(store, digest, directory, monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreError, match="No space left"):
        lay(store, digest, directory, NAME, Laying.COPY)
    assert all_in(directory) == []


def test_another_file_system_is_laid_to_by_symlink(store, digest, tmp_path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    directory = shared / f"drmsmirror-{os.getpid()}"
    try:
        assert laid(store, digest, directory, Laying.LINK) is Way.SYMLINK
        assert laid(store, digest, directory, Laying.COPY) is Way.COPY
    finally:
        shutil.rmtree(directory)
