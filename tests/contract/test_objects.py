"""What a store of objects promises, wherever it keeps them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import uuid
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import fsspec
import pytest
from s3fs import S3FileSystem

from drmsmirror.errors import (
    DamageError,
    MissingLibraryError,
    NoObjectError,
    StoreError,
    WrongContentError,
)
from drmsmirror.objects import (
    Condition,
    Finding,
    Laid,
    Laying,
    LocalObjects,
    ObjectStore,
    RemoteObjects,
    Stored,
    Way,
    connect,
    lay,
)

NAME = "0123456789abcdef"
LATER = 1e11  # seconds since 1970: whatever was written was written earlier
NOWHERE = "f" * 64


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Place(Protocol):
    """Where a store is, and what happens there without its knowledge."""

    def store(self) -> ObjectStore: ...

    def overwrite(self, name: str, content: bytes) -> None: ...

    def lose(self, name: str) -> None: ...

    def set_aside(self) -> dict[str, bytes]: ...

    def incoming(self) -> list[str]: ...


class Directory:
    """On the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def store(self) -> ObjectStore:
        return LocalObjects(self.root)

    def overwrite(self, name: str, content: bytes) -> None:
        path = self.root / name[:2] / name
        path.chmod(0o644)
        path.write_bytes(content)

    def lose(self, name: str) -> None:
        (self.root / name[:2] / name).unlink()

    def set_aside(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / "quarantine").iterdir()}

    def incoming(self) -> list[str]:
        return sorted(path.name for path in (self.root / "incoming").iterdir())


class Bucket:
    """In a bucket of S3; parts grow on the disk."""

    def __init__(self, address: str, spool: Path, s3: S3FileSystem) -> None:
        self.address = address
        self.spool = spool
        self.s3 = s3

    def store(self) -> ObjectStore:
        return RemoteObjects(self.address, self.spool, self.s3)

    def overwrite(self, name: str, content: bytes) -> None:
        self.s3.pipe_file(f"{self.address}/{name[:2]}/{name}", content)

    def lose(self, name: str) -> None:
        self.s3.rm_file(f"{self.address}/{name[:2]}/{name}")

    def set_aside(self) -> dict[str, bytes]:
        paths = self.s3.ls(f"{self.address}/quarantine", detail=False)
        return {path.rpartition("/")[2]: self.s3.cat_file(path) for path in paths}

    def incoming(self) -> list[str]:
        return sorted(path.name for path in (self.spool / "incoming").iterdir())


@pytest.fixture
def bucket(s3: str, connection: S3FileSystem, tmp_path: Path) -> Bucket:
    return Bucket(f"{s3}/{uuid.uuid4()}/objects", tmp_path / "spool", connection)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        return Directory(tmp_path / "objects")
    found: Bucket = request.getfixturevalue("bucket")
    return found


@pytest.fixture(scope="module")
def connection(s3: str) -> S3FileSystem:
    return connect()


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.store()


def put(store: ObjectStore, content: bytes, name: str = NAME) -> Stored:
    with store.part(name) as part:
        assert part is not None
        part.append(content)
        return part.finish()


def content_of(store: ObjectStore, name: str) -> bytes:
    with store.open(name) as file:
        return file.read()


def test_what_was_put_is_there_under_its_digest(store: ObjectStore, place: Place) -> None:
    stored = put(store, b"content")
    assert stored == Stored(sha256(b"content"), 7)
    for one in (store, place.store()):
        assert one.exists(stored.sha256)
        assert one.size(stored.sha256) == 7
        assert content_of(one, stored.sha256) == b"content"
        assert list(one.walk()) == [stored]
    assert place.incoming() == []


def test_nothing_is_an_object_too(store: ObjectStore) -> None:
    assert put(store, b"") == Stored(sha256(b""), 0)
    assert content_of(store, sha256(b"")) == b""
    assert store.hash_of(sha256(b"")).condition is Condition.INTACT


def test_an_empty_store_has_nothing(store: ObjectStore) -> None:
    assert list(store.walk()) == []
    assert store.abandoned(LATER) == []
    assert not store.exists(NOWHERE)
    assert store.size(NOWHERE) is None
    assert store.local_path(NOWHERE) is None
    assert store.part_size(NAME) is None
    assert not store.set_aside(NOWHERE)
    store.remove(NOWHERE)
    with pytest.raises(NoObjectError, match=NOWHERE):
        store.open(NOWHERE)


def test_a_part_is_there_again_and_its_digest_is_that_of_all(
    store: ObjectStore, place: Place
) -> None:
    with store.part(NAME) as part:
        assert part is not None
        assert part.size_bytes == 0
        part.append(b"first, ")
        part.append(memoryview(b"second, "))
        assert place.store().part_size(NAME) == 15
    with place.store().part(NAME) as part:
        assert part is not None
        assert part.size_bytes == 15
        part.append(b"third")
        assert part.finish() == Stored(sha256(b"first, second, third"), 20)
    with store.part(NAME) as part:
        assert part is not None
        assert part.size_bytes == 0


def test_a_part_of_many_pieces_is_what_they_are_together(store: ObjectStore) -> None:
    """The disk has begun with some of it when it begins again, and when it ends."""
    pieces = [bytes([number]) * 2**20 for number in range(6)]
    with store.part(NAME) as part:
        assert part is not None
        for piece in pieces:
            part.append(piece)
        part.restart()
        for piece in reversed(pieces):
            part.append(piece)
        stored = part.finish()
    whole = b"".join(reversed(pieces))
    assert stored == Stored(sha256(whole), len(whole))
    with store.open(stored.sha256) as file:
        assert file.read() == whole


def test_a_part_can_begin_again(store: ObjectStore) -> None:
    with store.part(NAME) as part:
        assert part is not None
        part.append(b"wrong")
        part.restart()
        assert part.size_bytes == 0
        part.append(b"right")
        assert part.finish().sha256 == sha256(b"right")


def test_a_part_has_one_writer(store: ObjectStore, place: Place) -> None:
    with store.part(NAME) as part:
        assert part is not None
        with place.store().part(NAME) as other:
            assert other is None
        with place.store().part(NAME * 2) as another:
            assert another is not None
    with place.store().part(NAME) as other:
        assert other is not None


def test_content_that_was_not_expected_is_not_stored(store: ObjectStore) -> None:
    with store.part(NAME) as part:
        assert part is not None
        part.append(b"other")
        with pytest.raises(WrongContentError, match=sha256(b"other")):
            part.finish(sha256(b"content"))
        assert part.size_bytes == 0
        assert list(store.walk()) == []
        part.append(b"content")
        part.finish(sha256(b"content"))
    assert [one.size_bytes for one in store.walk()] == [7]


def test_the_same_bytes_are_there_once(store: ObjectStore, place: Place) -> None:
    assert put(store, b"content") == put(store, b"content", NAME * 2)
    assert [one.size_bytes for one in store.walk()] == [7]
    assert place.incoming() == []


def test_an_object_that_was_torn_is_made_good_by_the_next(store: ObjectStore, place: Place) -> None:
    stored = put(store, b"content")
    place.overwrite(stored.sha256, b"cont")
    assert put(store, b"content") == stored
    assert store.hash_of(stored.sha256, 7).condition is Condition.INTACT


def test_an_object_that_rotted_is_made_good_by_the_next(store: ObjectStore, place: Place) -> None:
    stored = put(store, b"content")
    place.overwrite(stored.sha256, b"cantent")
    assert put(store, b"content") == stored
    assert store.hash_of(stored.sha256, 7).condition is Condition.INTACT


def test_a_file_is_adopted_and_stays(store: ObjectStore, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    stored = Stored(sha256(b"content"), 7)
    assert store.put_file(file) == stored
    assert store.put_file(file, (Way.COPY,), stored.sha256) == stored
    assert store.put_file(file, (Way.SYMLINK,)) is None
    file.write_bytes(b"other")
    assert content_of(store, stored.sha256) == b"content"
    assert list(store.walk()) == [stored]
    assert place.incoming() == []


def test_nothing_goes_to_s3_from_a_name_of_a_file_that_its_owner_can_write_to(
    bucket: Bucket, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert bucket.store().put_file(tmp_path / "file", (Way.HARD_LINK, Way.SYMLINK)) is None
    assert list(bucket.store().walk()) == []


def test_a_file_that_is_not_what_was_expected_is_not_adopted(
    store: ObjectStore, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"other")
    with pytest.raises(WrongContentError):
        store.put_file(tmp_path / "file", expected_sha256=sha256(b"content"))
    with pytest.raises(StoreError, match="no file"):
        store.put_file(tmp_path)
    with pytest.raises(StoreError, match="no file"):
        store.put_file(tmp_path / "absent")
    assert list(store.walk()) == []


def test_a_copy_is_the_callers_own(store: ObjectStore, tmp_path: Path) -> None:
    stored = put(store, b"content")
    (tmp_path / "mine").write_bytes(b"before")
    store.fetch_to(stored.sha256, tmp_path / "mine")
    with (tmp_path / "mine").open("ab") as mine:
        mine.write(b", changed")
    assert (tmp_path / "mine").read_bytes() == b"content, changed"
    assert content_of(store, stored.sha256) == b"content"
    with pytest.raises(NoObjectError):
        store.fetch_to(NOWHERE, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_object_is_not_copied(store: ObjectStore, place: Place, tmp_path: Path) -> None:
    stored = put(store, b"content")
    place.overwrite(stored.sha256, b"cantent")
    (tmp_path / "mine").write_bytes(b"before")
    with pytest.raises(DamageError, match=stored.sha256):
        store.fetch_to(stored.sha256, tmp_path / "mine")
    assert (tmp_path / "mine").read_bytes() == b"before"


def test_it_is_known_when_an_object_came(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    os.utime(path, (0, 0))
    came = store.written_at(store.put_file(path).sha256)
    assert came is not None
    assert came > 1e9
    assert store.written_at(NOWHERE) is None


def test_an_object_has_an_address_at_which_others_open_it(store: ObjectStore) -> None:
    url = store.url(put(store, b"some content").sha256)
    with fsspec.open(url) as file:
        file.seek(5)
        assert file.read() == b"content"
    with pytest.raises(FileNotFoundError), fsspec.open(store.url(NOWHERE)) as file:
        file.read()


def test_what_has_no_name_elsewhere_is_not_shared(place: Place, store: ObjectStore) -> None:
    stored = put(store, b"some")
    assert not store.is_shared(stored.sha256)
    assert not store.is_shared(NOWHERE)
    if (path := store.local_path(stored.sha256)) is not None:
        path.with_name("elsewhere").hardlink_to(path)
        assert store.is_shared(stored.sha256)


def test_what_is_removed_is_gone_and_can_come_again(store: ObjectStore) -> None:
    stored = put(store, b"content")
    with store.open(stored.sha256):
        store.remove(stored.sha256)
    assert not store.exists(stored.sha256)
    assert list(store.walk()) == []
    assert put(store, b"content") == stored
    assert store.exists(stored.sha256)


def test_what_is_damaged_is_found(store: ObjectStore, place: Place) -> None:
    name = put(store, b"content").sha256
    assert store.hash_of(name) == Finding(name, Condition.INTACT, 7, name)
    assert store.hash_of(name, 7) == Finding(name, Condition.INTACT, 7, name)
    place.overwrite(name, b"c\x90ntent")
    found = Finding(name, Condition.ROTTEN, 7, sha256(b"c\x90ntent"))
    assert store.hash_of(name, 7) == found
    place.overwrite(name, b"cont")
    assert store.hash_of(name, 7) == Finding(name, Condition.TORN, 4)
    assert store.hash_of(name).condition is Condition.ROTTEN
    place.lose(name)
    assert store.hash_of(name, 7) == Finding(name, Condition.MISSING)


def test_what_is_damaged_is_set_aside(store: ObjectStore, place: Place) -> None:
    stored = put(store, b"content")
    place.overwrite(stored.sha256, b"cantent")
    assert store.set_aside(stored.sha256)
    assert not store.exists(stored.sha256)
    assert place.set_aside() == {stored.sha256: b"cantent"}
    assert put(store, b"content") == stored
    assert content_of(store, stored.sha256) == b"content"


def test_a_walk_is_in_order_and_can_go_on(store: ObjectStore) -> None:
    names = sorted(put(store, b"%d" % number).sha256 for number in range(15))
    assert [one.sha256 for one in store.walk()] == names
    for place in (0, 7, 14):
        assert [one.sha256 for one in store.walk(after=names[place])] == names[place + 1 :]
    assert [one.sha256 for one in store.walk(after="8")] == [one for one in names if one > "8"]


def test_a_walk_outlives_what_happens_meanwhile(store: ObjectStore) -> None:
    names = sorted(put(store, b"%d" % number).sha256 for number in range(5))
    walk = store.walk()
    assert next(walk).sha256 == names[0]
    for name in names[:-1]:
        store.remove(name)
    left = [one.sha256 for one in walk]
    assert left[-1] == names[-1]
    assert left == sorted(left)


def test_parts_that_nobody_works_on_are_found_and_removed(store: ObjectStore, place: Place) -> None:
    with store.part(NAME) as part:
        assert part is not None
        part.append(b"some")
        assert store.abandoned(LATER) == []
        assert store.remove_abandoned(LATER) == []
        part.append(b"thing")
    (left,) = store.abandoned(LATER)
    assert (left.name, left.size_bytes) == (NAME, 9)
    assert store.abandoned(left.written_at) == []
    assert store.remove_abandoned(LATER) == [left]
    assert store.abandoned(LATER) == []
    assert place.incoming() == []


@pytest.mark.parametrize("name", ["", "..", "../x", "a" * 63, "A" * 64, "a" * 65, "/" + "a" * 63])
def test_nothing_else_is_taken_for_a_name(store: ObjectStore, name: str) -> None:
    for deed in (store.open, store.size, store.exists, store.remove, store.hash_of):
        with pytest.raises(StoreError, match="names no object"):
            deed(name)
    for part in ("", name.replace("a", "g"), name.upper() or "A" * 16, "a" * 129):
        with pytest.raises(StoreError, match="names no part"), store.part(part):
            pass


def test_it_is_told_how_much_can_grow_and_whether_objects_take_of_that(
    place: Place, store: ObjectStore, tmp_path: Path
) -> None:
    assert store.free_bytes() == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert store.is_on_disk == isinstance(place, Directory)


@pytest.mark.parametrize("laying", Laying)
def test_an_object_is_laid_at_a_path(
    store: ObjectStore, place: Place, laying: Laying, tmp_path: Path
) -> None:
    name = put(store, b"content").sha256
    directory, path = tmp_path / "laid", PurePosixPath("a", "b.fits")
    is_file = store.local_path(name) is not None
    expected = Way.HARD_LINK if is_file and laying is Laying.LINK else Way.COPY
    assert lay(store, name, directory, path, laying) == Laid(directory / path, expected)
    assert lay(store, name, directory, path, laying) == Laid(directory / path, None)
    assert (directory / path).read_bytes() == b"content"
    with pytest.raises(NoObjectError, match=NOWHERE):
        lay(store, NOWHERE, directory, path, laying)


class Breaking(S3FileSystem):
    """A connection on which the second piece of an upload is lost."""

    broken = True

    async def _call_s3(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        if self.broken and method == "upload_part" and keywords["PartNumber"] == 2:
            raise OSError("the connection was lost")
        return await super()._call_s3(method, *arguments, **keywords)


def test_an_upload_that_breaks_leaves_nothing_to_be_seen(s3: str, bucket: Bucket) -> None:
    connection = Breaking(use_listings_cache=False, skip_instance_cache=True)
    store = RemoteObjects(bucket.address, bucket.spool, connection)
    content = bytes(33 * 2**20)
    with store.part(NAME) as part:
        assert part is not None
        part.append(content)
        with pytest.raises(StoreError, match=f"Cannot write to {s3}/.*connection was lost"):
            part.finish()
        assert not bucket.store().exists(sha256(content))
        assert list(bucket.store().walk()) == []
        assert bucket.s3.list_multipart_uploads(s3.removeprefix("s3://")) == []
        assert part.size_bytes == len(content)
        connection.broken = False
        stored = part.finish()
    assert bucket.store().hash_of(stored.sha256, len(content)).condition is Condition.INTACT
    assert bucket.incoming() == []


def test_a_bucket_that_is_not_there_is_told(bucket: Bucket, tmp_path: Path) -> None:
    store = RemoteObjects("s3://nobody-has-this", tmp_path / "spool", bucket.s3)
    with pytest.raises(StoreError, match="s3://nobody-has-this"):
        put(store, b"content")
    with pytest.raises(StoreError, match="s3://nobody-has-this"):
        list(store.walk())
    assert store.abandoned(LATER)[0].size_bytes == 7


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'drmsmirror\[s3\]'"):
        connect()
