"""How much of a part can be relied on: after a power loss less may be on the disk than was written.

A note beside each part says when it was last worked on, by the boot of the host, and how many of
its bytes were flushed by then. While the host has not been started anew, all of a part counts;
then, and on another host, what was flushed. A part without a note has nothing that counts.

It says too which object a part is to become, before it does: where the part is gone, that was its
end, though nobody may have heard of it.

The note itself need not be flushed: an older one promises less, unless more was promised before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.files import GrowingFile, LockedFile, locked_file
from drmsmirror.objects.protocol import Stored

__all__ = ["PartNote", "boot_of_this_host", "open_note"]

_NOTE = re.compile(
    r"(?P<boot>\S{1,64}) (?P<flushed>\d{20})(?: (?P<sha256>[0-9a-f]{64}) (?P<bytes>\d+))?\n"
)
_MODE = 0o664


def boot_of_this_host() -> str:
    """What tells this run of the host's system from every other; nothing where it does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


@contextmanager
def open_note(path: Path, file: GrowingFile, boot: str) -> Iterator[PartNote]:
    """Open the note of a part that is locked, and cut the part to what can be relied on."""
    with locked_file(path, mode=_MODE) as locked:
        if locked is None:
            raise StoreError(f"{path} is locked though its part was not; remove both")
        yield PartNote(file, locked, boot)


class PartNote:
    """What the note of one part says.

    Parameters
    ----------
    file : GrowingFile
    note : LockedFile
    boot : str
    """

    def __init__(self, file: GrowingFile, note: LockedFile, boot: str) -> None:
        self._file, self._note, self._boot = file, note, boot
        known = _NOTE.fullmatch(note.text)
        self._promised = int(known["flushed"]) if known else 0
        #: The object that the part was to become, where there is no part any more.
        self.became: Stored | None = None
        if known and known["sha256"] and not file.size:
            self.became = Stored(known["sha256"], int(known["bytes"]))
        if known is None or not boot or known["boot"] != boot:
            if self._promised < file.size:
                file.cut(self._promised)
            self._promise(min(self._promised, file.size), self.became)
        elif self._promised > file.size:  # it was promised of a part that is an object now
            self._promise(file.size, self.became)

    def begin_again(self) -> None:
        """Promise nothing, before other bytes take the place of those that were promised."""
        self._promise(0)

    def ends_as(self, stored: Stored) -> None:
        """Say what the part becomes now."""
        self._promise(self._promised, stored)

    def close(self) -> None:
        """Have on the disk what is there, and promise it."""
        with suppress(StoreError):  # then less is promised
            self._file.flush()
            self._promise(self._file.size)

    def _promise(self, size: int, stored: Stored | None = None) -> None:
        end = "" if stored is None else f" {stored.sha256} {stored.size_bytes}"
        self._note.write(f"{self._boot or '-'} {size:020d}{end}\n")
        if size < self._promised:
            self._note.flush()
        self._promised = size
