"""Putting objects, in processes that are killed.

``python -m tests.faults.putting STORE FOLDER POINT...``, where the store is ``local`` or an address
in S3: for each point there is a folder of its own, in which a process is killed there.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from s3fs import S3FileSystem

from drmsmirror.objects import LocalObjects, ObjectStore, RemoteObjects, Way, connect

__all__ = ["CONTENTS", "PART", "prepare", "put_all", "upload"]

PART = "0123456789abcdef"
#: What is downloaded, copied, and linked.
CONTENTS = (b"downloaded" * 1000, b"copied" * 1000, b"linked" * 1000)

_WRONG = b"wrong"


def prepare(folder: Path) -> None:
    """Have a download that had begun wrongly, and files to adopt."""
    folder.mkdir()
    (folder / "copied").write_bytes(CONTENTS[1])
    (folder / "linked").write_bytes(CONTENTS[2])
    with LocalObjects(folder / "objects").part(PART) as part:
        assert part is not None
        part.append(_WRONG)


def put_all(folder: Path) -> LocalObjects:
    """Finish the download, adopt the files, download the same again, and tidy up."""
    store = LocalObjects(folder / "objects")
    _download(store)
    store.put_file(folder / "copied")
    store.put_file(folder / "linked", [Way.HARD_LINK])
    _download(store)
    store.remove_abandoned(time.time() + 1)
    return store


def _download(store: ObjectStore) -> None:
    content = CONTENTS[0]
    with store.part(PART) as part:
        assert part is not None
        if part.size_bytes == len(_WRONG):
            part.restart()
        for begin, end in ((0, 3000), (3000, len(content))):
            if part.size_bytes < end:
                part.append(content[max(begin, part.size_bytes) : end])
        part.finish()


def upload(address: str, folder: Path, s3: S3FileSystem) -> RemoteObjects:
    """Upload an object, take it out of use, and upload it again."""
    store = RemoteObjects(f"{address}/{folder.name}", folder / "objects", s3)
    _download(store)
    store.set_aside(hashlib.sha256(CONTENTS[0]).hexdigest())
    _download(store)
    return store


def _killed(kind: str, folder: Path, point: str) -> int:
    prepare(folder)
    child = os.fork()
    if not child:
        os.environ["DRMSMIRROR_FAILPOINT"] = point
        try:
            put_all(folder) if kind == "local" else upload(kind, folder, connect())
        finally:
            os._exit(70)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    places = {point: Path(sys.argv[2], point) for point in sys.argv[3:]}
    codes = {point: _killed(sys.argv[1], place, point) for point, place in places.items()}
    sys.stdout.write(json.dumps(codes))
