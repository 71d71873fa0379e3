"""Files under the mirror's root: complete and durable, or not there."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from drmsmirror.errors import NoSpaceError, StoreError
from drmsmirror.files import (
    abandoned_files,
    free_bytes,
    growing_file,
    make_directory,
    make_shared_directory,
    remove_abandoned,
    replacing,
    sync_files,
    temporary_link,
    write_bytes,
)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_written_whole_with_its_permissions(tmp_path) -> None:
    write_bytes(tmp_path / "a", b"content", mode=0o640)
    assert (tmp_path / "a").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert names(tmp_path) == ["a"]


def test_others_can_read_what_is_written_by_default(tmp_path) -> None:
    write_bytes(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_what_stood_there_stays_until_the_new_bytes_are_complete(tmp_path) -> None:
    target = tmp_path / "a"
    write_bytes(target, b"old")
    with replacing(target) as temporary:
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
        assert temporary.parent == target.parent
        assert temporary.name.startswith(".")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_changes_nothing(tmp_path, error) -> None:
    target = tmp_path / "a"
    write_bytes(target, b"old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_what_is_no_file_is_never_replaced(tmp_path) -> None:
    target = tmp_path / "pipe"
    os.mkfifo(target)
    with pytest.raises(StoreError, match="no regular file"):
        write_bytes(target, b"new")
    assert target.is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("step", ["whole.flush_file", "basics.flush_names"])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch, number, step) -> None:
    def full(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"drmsmirror.files.{step}", full)
    with pytest.raises(NoSpaceError, match="No space left"):
        write_bytes(tmp_path / "a", b"content")
    assert [name for name in names(tmp_path) if name != "a"] == []


def test_a_disk_that_fails_is_told_with_the_file(tmp_path, monkeypatch) -> None:
    def broken(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("drmsmirror.files.whole.flush_file", broken)
    with pytest.raises(StoreError, match=r"Cannot write .*/a: Input/output error"):
        write_bytes(tmp_path / "a", b"content")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("number", "is_error"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_flush_directories_is_put_up_with(
    tmp_path, monkeypatch, number, is_error
) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if is_error:
        with pytest.raises(StoreError):
            write_bytes(tmp_path / "a", b"content")
    else:
        write_bytes(tmp_path / "a", b"content")
    assert (tmp_path / "a").read_bytes() == b"content"


def test_bytes_are_flushed_before_the_name_and_the_directory_after(tmp_path, monkeypatch) -> None:
    steps: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        steps.append("directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "bytes")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        steps.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_bytes(tmp_path / "a", b"content")
    assert steps == ["bytes", "name", "directory"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(
    tmp_path,
) -> None:
    (tmp_path / ".a.left.tmp").write_bytes(b"half")
    with replacing(tmp_path / "a") as slow:
        slow.write_bytes(b"slow")
        write_bytes(tmp_path / "a", b"quick")
        assert names(tmp_path) == [slow.name, "a"]
    assert (tmp_path / "a").read_bytes() == b"slow"
    assert names(tmp_path) == ["a"]


def test_a_directory_that_is_not_there_is_an_error_of_the_store(tmp_path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        write_bytes(tmp_path / "nowhere" / "a", b"")


def test_directories_are_made_with_their_parents_and_may_be_there(tmp_path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        make_directory(tmp_path / "file" / "c")


def test_flushing_what_another_library_wrote_passes_over_what_is_gone(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"")
    sync_files([tmp_path / "a", tmp_path / "gone"])


def test_free_space_is_that_of_the_nearest_parent(tmp_path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)


def test_a_file_that_grew_is_not_written_to_any_more_once_it_has_its_name(tmp_path) -> None:
    with growing_file(tmp_path / "part", mode=0o664) as file:
        file.append(b"whole")
        file.become(tmp_path / "a", mode=0o444)
        for deed in (lambda: file.append(b"more"), file.cut):
            with pytest.raises(StoreError, match="final name"):
                deed()
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o444


def test_who_waited_for_a_file_that_got_another_name_does_not_get_that(
    tmp_path, monkeypatch
) -> None:
    """Between opening a file and locking it its holder may have finished."""
    real, part = fcntl.flock, tmp_path / "part"
    part.write_bytes(b"whole")

    def flock(handle: int, operation: int) -> None:
        if part.exists() and part.stat().st_size:
            part.rename(tmp_path / "a")
        real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with growing_file(part, mode=0o664) as file:
        assert file.size == 0
        file.append(b"another")
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert part.read_bytes() == b"another"


def test_an_append_that_fails_leaves_what_was_there(tmp_path, monkeypatch) -> None:
    real = os.pwrite

    def pwrite(handle: int, content: bytes, offset: int) -> int:
        if offset >= 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, content[:4], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with growing_file(tmp_path / "part", mode=0o664) as file:
        file.append(b"content")
        with pytest.raises(NoSpaceError):
            file.append(b"more content")
        assert file.size == 7
        assert b"".join(file.content()) == b"content"
    assert (tmp_path / "part").read_bytes() == b"content"


def test_a_part_of_the_wrong_size_is_not_finished(tmp_path) -> None:
    with growing_file(tmp_path / "part", mode=0o664) as file:
        file.append(b"content")
        os.truncate(tmp_path / "part", 3)
        with pytest.raises(StoreError, match="it has 3 bytes, but 7"):
            file.become(tmp_path / "a", mode=0o444)
    assert names(tmp_path) == ["part"]


def test_a_part_is_no_symbolic_link(tmp_path) -> None:
    (tmp_path / "part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError), growing_file(tmp_path / "part", mode=0o664):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("umask", [0o077, 0o022, 0])
def test_a_shared_directory_is_the_groups_whatever_the_umask(tmp_path, umask) -> None:
    (tmp_path / "made").mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        make_shared_directory(tmp_path / "shared")
        make_shared_directory(tmp_path / "made")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o2775
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700
    assert names(tmp_path) == ["made", "shared"]


def test_a_linked_file_that_is_being_adopted_is_not_taken_for_abandoned(tmp_path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    os.utime(tmp_path / "old", (0, 0))
    with temporary_link(tmp_path / "old", tmp_path, "adopted") as link:
        assert link.samefile(tmp_path / "old")
        assert abandoned_files(tmp_path, 1e11) == []
        remove_abandoned(link)
        assert link.exists()
    assert names(tmp_path) == ["old"]
