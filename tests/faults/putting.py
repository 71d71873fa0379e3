"""Putting objects, in processes that are killed: ``python -m tests.faults.putting FOLDER POINT...``

For each point there is a folder of its own, in which a process is killed there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from drmsmirror.objects import LocalObjects, Way

__all__ = ["CONTENTS", "PART", "prepare", "put_all"]

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


def _download(store: LocalObjects) -> None:
    content = CONTENTS[0]
    with store.part(PART) as part:
        assert part is not None
        if part.size_bytes == len(_WRONG):
            part.restart()
        for begin, end in ((0, 3000), (3000, len(content))):
            if part.size_bytes < end:
                part.append(content[max(begin, part.size_bytes) : end])
        part.finish()


def _killed(folder: Path, point: str) -> int:
    prepare(folder)
    child = os.fork()
    if not child:
        os.environ["DRMSMIRROR_FAILPOINT"] = point
        try:
            put_all(folder)
        finally:
            os._exit(70)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    codes = {point: _killed(Path(sys.argv[1], point), point) for point in sys.argv[2:]}
    sys.stdout.write(json.dumps(codes))
