"""A mirror with some files of a sample upstream in its store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.segments.outcome import Outcome
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Jsoc
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

__all__ = ["NAME", "Cache", "a_cache", "copied_cache", "flip", "made_cache"]

NAME = "hmi.M_45s"


@dataclass
class Cache:
    """An open mirror, whose clock can be moved, and the files of one series.

    Parameters
    ----------
    files : list of SegmentFile
        All that the series has.
    """

    mirror: Mirror
    copy: Copy
    files: list[SegmentFile]

    @property
    def service(self) -> Files:
        upstream = SharedUpstream(self.mirror, Jsoc(self.copy.settings.upstream))
        return Files(self.mirror, upstream, pause=lambda _: None)

    def fetch(self, *which: int) -> list[Outcome]:
        """Have files of the series fetched; they are given in the order in which they are named."""
        wanted = [self.files[number] for number in which]
        came = {one.file: one for one in self.service.get(wanted)}
        assert all(one.state.is_there for one in came.values()), came
        return [came[file] for file in wanted]

    def held(self) -> set[SegmentFile]:
        """Those that the index has."""
        return set(self.mirror.catalogue.segments.locate(self.files))

    def path(self, which: int) -> Path:
        """Where the object of a file is, by the index, whatever it holds."""
        found = self.mirror.catalogue.segments.locate([self.files[which]])
        sha256 = found[self.files[which]].sha256
        return self.mirror.root / "objects" / sha256[:2] / sha256

    def later(self, **time: float) -> None:
        """Let time go by."""
        before = self.mirror.catalogue.database.clock
        self.mirror.catalogue.database.clock = lambda: before() + timedelta(**time)


def made_cache(root: Path, *which: int) -> Path:
    """Make a mirror of six records with the files of some of them, to be copied."""
    with SampleJsoc([series(NAME, 6)]) as jsoc:
        copy = Copy(settings_for(root, jsoc), jsoc)
        copy.sync(NAME)
        with a_cache(copy) as cache:
            cache.fetch(*which)
    return root


@contextmanager
def copied_cache(made: Path, root: Path) -> Iterator[Cache]:
    """Open a copy of such a mirror, with an upstream of its own."""
    with SampleJsoc([series(NAME, 6)]) as jsoc:
        copy = Copy(settings_for(Path(shutil.copytree(made, root)), jsoc), jsoc)
        with a_cache(copy) as cache:
            yield cache


@contextmanager
def a_cache(copy: Copy) -> Iterator[Cache]:
    """Open the mirror of a copy that was synced."""
    with Client(copy.settings, policy="offline") as client:
        files = list(client.wanted_files(NAME).files())
        yield Cache(client.mirror, copy, files)


def flip(path: Path, at: int = -1) -> None:
    """Turn all bits of one byte of a file over, whatever it was."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
