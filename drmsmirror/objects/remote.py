"""Objects in a bucket of S3, or of something that speaks like it.

::

    s3://<bucket>/<prefix>/<first two digits>/<sha256>      objects
    s3://<bucket>/<prefix>/quarantine/<sha256>              what was damaged
    <spool>/incoming/<name>.part                            what is being downloaded, on this host

An object becomes visible when its upload is complete, never before. Of an upload that was killed
the bucket keeps pieces that nobody sees; a rule of the bucket (``AbortIncompleteMultipartUpload``)
removes them. Nothing is cached: the store is the cache.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drmsmirror.errors import MissingLibraryError, StoreError
from drmsmirror.failpoints import effect
from drmsmirror.files import GrowingFile, free_bytes, remove_file, replacing
from drmsmirror.objects.content import absent, refuse_damaged, refuse_other, sha256_of
from drmsmirror.objects.directories import Directories
from drmsmirror.objects.names import QUARANTINE, is_object, is_shard, key_of
from drmsmirror.objects.partnote import boot_of_this_host
from drmsmirror.objects.parts import FilePart, Incoming
from drmsmirror.objects.protocol import ADOPT, Condition, Finding, Leftover, Stored, Way

if TYPE_CHECKING:
    from s3fs import S3FileSystem

__all__ = ["RemoteObjects", "connect"]

#: Bytes that are read at once, and those of a piece of an upload.
_READ = 8 * 2**20
_PIECE = 16 * 2**20
#: Pieces of one upload that are on their way together.
_TOGETHER = 4


def connect() -> S3FileSystem:
    """Give a connection to S3, with address and credentials from the environment.

    ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL``, ``AWS_PROFILE`` and
    whatever else the AWS tools know.

    Raises
    ------
    MissingLibraryError
        ``s3fs`` is not installed.
    """
    try:
        import s3fs
    except ImportError as error:
        raise MissingLibraryError(
            "Objects in S3 need s3fs. Install it with\n  pip install 'drmsmirror[s3]'"
        ) from error
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


class RemoteObjects:
    """A store of objects in a bucket.

    Parameters
    ----------
    address : str
        ``s3://<bucket>/<prefix>``; the bucket is there.
    spool : Path
        A directory on this host where parts grow before they are uploaded; its parent is there.
    connection : S3FileSystem
    boot : str, optional
        What tells this run of the host's system from others; the system says, where nobody does.
    """

    def __init__(
        self, address: str, spool: Path, connection: S3FileSystem, boot: str | None = None
    ) -> None:
        self._address = address.rstrip("/")
        self._spool = spool
        self._s3: Any = connection
        self._incoming = Incoming(Directories(spool), boot_of_this_host() if boot is None else boot)

    def part(self, name: str) -> AbstractContextManager[FilePart | None]:
        """Open a part while a block runs; None where another process of this host works on it."""
        return self._incoming.part(name, self._keep, self._has)

    def part_size(self, name: str) -> int | None:
        """Bytes of a part; None where there is none."""
        return self._incoming.size(name)

    def put_file(
        self, path: Path, how: Sequence[Way] = ADOPT, expected_sha256: str | None = None
    ) -> Stored | None:
        """Upload a file that somebody has, from bytes that nobody can change meanwhile."""
        private = [way for way in how if way not in (Way.HARD_LINK, Way.SYMLINK)]
        with self._incoming.adopted(path, private) as brought:
            if brought is None:
                return None
            temporary, stored = brought
            refuse_other(stored.sha256, expected_sha256, str(path))
            self._upload(temporary, stored)
        return stored

    def open(self, sha256: str) -> BufferedReader:
        """Open an object to read from it."""
        with self._explained("read", sha256):
            raw = self._s3.open(self._place(sha256), "rb", cache_type="none")
        return io.BufferedReader(raw, _READ)

    def local_path(self, sha256: str) -> Path | None:
        """None: no object is a file."""
        key_of(sha256)
        return None

    def url(self, sha256: str) -> str:
        """Where an object is, or would be, as ``s3://``."""
        return self._place(sha256)

    def fetch_to(self, sha256: str, path: Path) -> None:
        """Download a verified copy of an object."""
        place = self._place(sha256)
        with replacing(path) as temporary:
            with self._explained("read", sha256):
                self._s3.get_file(place, str(temporary))
            with temporary.open("rb") as copied:
                refuse_damaged(sha256, sha256_of(copied))

    def exists(self, sha256: str) -> bool:
        """Whether there is such an object."""
        return self.size(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """Bytes of an object; None where there is none."""
        found = self._info(sha256)
        return None if found is None else int(found["size"])

    def written_at(self, sha256: str) -> float | None:
        """When an object came here; None where there is none."""
        found = self._info(sha256)
        return None if found is None else float(found["LastModified"].timestamp())

    def _info(self, sha256: str) -> dict[str, Any] | None:
        """What the bucket knows of an object; None where there is none."""
        place = self._place(sha256)
        try:
            with self._explained("look into"):
                found: dict[str, Any] = self._s3.info(place)
        except FileNotFoundError:
            return None
        return found if found["type"] == "file" else None

    def is_shared(self, sha256: str) -> bool:
        """False: an object has one name."""
        key_of(sha256)
        return False

    def remove(self, sha256: str) -> None:
        """Remove an object where it is there."""
        place = self._place(sha256)
        with self._explained("remove from"), effect("object.removal"):
            self._s3.rm_file(place)

    def set_aside(self, sha256: str) -> bool:
        """Take a damaged object out of use."""
        if not self.exists(sha256):
            return False
        with self._explained("write to"), effect("object.upload"):
            self._s3.cp_file(self._place(sha256), f"{self._address}/{QUARANTINE}/{sha256}")
        self.remove(sha256)
        return True

    def walk(self, after: str = "") -> Iterator[Stored]:
        """Every object in order of name, those after a name only; listed by their first digits."""
        shards = self._listed(self._address)
        if not shards:  # a bucket that is not there must not look like one that is empty
            with self._explained("list"):
                self._s3.call_s3("head_bucket", Bucket=self._s3.split_path(self._address)[0])
        for shard, _ in shards:
            if is_shard(shard) and shard >= after[:2]:
                for name, size in self._listed(f"{self._address}/{shard}"):
                    if name > after and is_object(name) and name[:2] == shard:
                        yield Stored(name, size)

    def hash_of(self, sha256: str, size_bytes: int | None = None) -> Finding:
        """Read an object to its end, and say how it is."""
        found = self.size(sha256)
        if found is None:
            return Finding(sha256, Condition.MISSING)
        if size_bytes is not None and found != size_bytes:
            return Finding(sha256, Condition.TORN, found)
        with self._explained("read", sha256), self.open(sha256) as file:
            digest = sha256_of(file)
        condition = Condition.INTACT if digest == sha256 else Condition.ROTTEN
        return Finding(sha256, condition, found, digest)

    @property
    def is_on_disk(self) -> bool:
        """False: on the disk they only grow. What the bucket can take nobody knows."""
        return False

    def free_bytes(self) -> int:
        """Bytes that this user can still write on the disk of this host where parts grow."""
        return free_bytes(self._spool)

    def abandoned(self, before: float) -> list[Leftover]:
        """Parts, and other files that were being written on this host, which nobody has locked."""
        return self._incoming.abandoned(before)

    def remove_abandoned(self, before: float) -> list[Leftover]:
        """Remove those, and say what it was."""
        return self._incoming.remove_abandoned(before)

    def _keep(self, file: GrowingFile, stored: Stored) -> None:
        self._upload(file.path, stored)
        remove_file(file.path)

    def _has(self, stored: Stored) -> bool:
        return self.size(stored.sha256) == stored.size_bytes

    def _upload(self, path: Path, stored: Stored) -> None:
        place = self._place(stored.sha256)
        with self._explained("write to"), effect("object.upload"):
            self._s3.put_file(str(path), place, chunksize=_PIECE, max_concurrency=_TOGETHER)
        arrived = self.size(stored.sha256)
        if arrived != stored.size_bytes:
            self.remove(stored.sha256)
            raise StoreError(
                f"{place} has {arrived} bytes where {stored.size_bytes} were uploaded; it was "
                f"removed. Run the same again"
            )

    def _listed(self, directory: str) -> list[tuple[str, int]]:
        """Names and sizes of what is directly below a place, in order of name."""
        try:
            with self._explained("look into"):
                found = self._s3.ls(directory, detail=True)
        except FileNotFoundError:
            return []
        return sorted((one["name"].rpartition("/")[2], int(one["size"])) for one in found)

    def _place(self, sha256: str) -> str:
        return f"{self._address}/{key_of(sha256)}"

    @contextmanager
    def _explained(self, deed: str, sha256: str | None = None) -> Iterator[None]:
        """Raise our errors in place of those of S3; the absence of an object named is one."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except FileNotFoundError as error:
            if sha256 is not None:
                raise absent(sha256, self._address) from None
            if deed == "look into":
                raise
            raise StoreError(
                f"Cannot {deed} {self._address}: {error}. Make the bucket first"
            ) from error
        except (OSError, BotoCoreError, ClientError) as error:
            raise StoreError(
                f"Cannot {deed} {self._address}: {error}. Look at the bucket, and at "
                f"AWS_ENDPOINT_URL and the credentials in the environment"
            ) from error
