"""Files that were given, one after the other, and what is said of all of them in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drmsmirror.cli.common import counted, size, talk
from drmsmirror.cli.files import HOW_TO_OPEN
from drmsmirror.errors import NoSpaceError, NotHeldError, PartialError

if TYPE_CHECKING:
    from drmsmirror.client.wanted import WantedFiles
    from drmsmirror.model.filenames import NamedFile
    from drmsmirror.segments import Outcome

__all__ = ["Given", "Tally"]

#: So many reasons are told in words; --json tells each.
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Given:
    """One file.

    Parameters
    ----------
    named : NamedFile
    outcome : Outcome
    path : Path or None
        Where whoever asked finds it.
    """

    named: NamedFile
    outcome: Outcome
    path: Path | None = None


@dataclass(slots=True)
class Tally:
    """What came of files, counted while they go by."""

    files: int = 0
    held: int = 0
    fetched: int = 0
    fetched_bytes: int = 0
    absent: int = 0  # records that have no such file
    pathless: int = 0
    exported: int = 0
    missing: int = 0
    not_held: int = 0
    is_full: bool = False
    reasons: list[str] = field(default_factory=list)

    def counted(self, given: Iterable[Given]) -> Iterator[Given]:
        """The same files."""
        for one in given:
            self._count(one)
            yield one

    def _count(self, given: Given) -> None:
        from drmsmirror.segments import FileState, Form

        one = given.outcome
        self.files += 1
        self.exported += one.form is Form.FITS
        if one.state.is_there:
            self.held += one.state is FileState.HELD
            self.fetched += one.state is FileState.FETCHED
            self.fetched_bytes += one.size_bytes if one.state is FileState.FETCHED else 0
            self.pathless += given.path is None
        elif one.state is FileState.NO_FILE:
            self.absent += 1
        else:
            self.missing += 1
            self.not_held += one.state is FileState.NOT_HELD
            self.is_full |= one.error == NoSpaceError.code
            if len(self.reasons) < _MOST_TOLD:
                self.reasons.append(f"{given.named.shown}: {one.state}: {one.message}")

    def tell(self, wanted: WantedFiles) -> None:
        """Say what came, and why the rest did not; raise where something is missing."""
        if not self.files:
            talk("No record matches: there are no files")
            return
        talk(
            f"{counted(self.files, 'file')}: {self.held:,} held, {self.fetched:,} fetched "
            f"({size(self.fetched_bytes)})"
            + (f", {self.absent:,} that the records do not have" if self.absent else "")
        )
        if self.pathless:
            talk(f"{self.pathless:,} of them are in S3, where they have no path: {HOW_TO_OPEN}")
        if self.exported and wanted.headers is None:
            talk(
                f"{self.exported:,} of them are exported files that were adopted: the image is the "
                f"same, with keywords in the header; --as-is fetches them as JSOC stores them"
            )
        if not wanted.answer.complete:
            talk(f"These are not all of the records. {wanted.answer.missing}")
        if self.missing:
            self._tell_of_missing()

    def _tell_of_missing(self) -> None:
        for reason in self.reasons:
            talk(reason)
        if self.missing > len(self.reasons):
            talk(f"... and {self.missing - len(self.reasons):,} more; --json tells each")
        if self.not_held == self.missing:
            raise NotHeldError(f"The mirror does not hold {self.missing:,} of the files")
        could_not = f"{self.missing:,} of {counted(self.files, 'file')} could not be had"
        raise NoSpaceError(could_not) if self.is_full else PartialError(could_not)
