"""Power that goes: what operations on files were asked for, and what a disk may hold after them.

A recording follows files by what they are, not by their names. What was written since a file was
last flushed may be there, absent, or there up to any step, or of the right length with a half that
is not; names that were given or taken since a directory was last flushed may be as before or as
after, in their order.

The model is that of a journaling file system that promises no more than POSIX: renaming is one
step, names of one directory change in order, and nothing else is ordered unless it was flushed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Disk", "recording"]

#: A name in a directory: the directory's own number, and the name.
_Name = tuple[int, str]


@dataclass
class _Node:
    """A file or a directory."""

    is_directory: bool
    #: What is in it now, and everything that it was from when it was last flushed on.
    content: bytes = b""
    versions: list[bytes] = field(default_factory=lambda: [b""])

    def change(self, content: bytes) -> None:
        self.content = content
        self.versions.append(content)

    def flush(self) -> None:
        self.versions = [self.content]

    def may_be(self) -> list[bytes]:
        """What may be on the disk: any version, and the last one with its second half unknown."""
        if self.content == self.versions[0] and len(self.versions) == 1:
            return [self.content]
        half = len(self.content) // 2
        torn = self.content[:half] + bytes(len(self.content) - half)
        return list(dict.fromkeys([*self.versions, torn]))


@dataclass(frozen=True)
class _Change:
    """One step on names: what each of them is from then on; None is nothing."""

    names: dict[_Name, int | None] = field(default_factory=dict)


class Disk:
    """What was asked of a file system below a directory, and what may have come of it.

    Parameters
    ----------
    root : Path
        Empty; everything in it is made while the recording lasts.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._nodes: dict[int, _Node] = {0: _Node(is_directory=True)}
        self._lasting: dict[_Name, int] = {}
        self._pending: list[_Change] = []

    # -- what is asked for ------------------------------------------------------------------------

    def make(self, path: Path, *, is_directory: bool) -> None:
        number = len(self._nodes)
        self._nodes[number] = _Node(is_directory)
        self._change({self._name(path): number})

    def link(self, path: Path, target: Path) -> None:
        self._change({self._name(target): self.number(path)})

    def unlink(self, path: Path) -> None:
        self._change({self._name(path): None})

    def rename(self, path: Path, target: Path) -> None:
        self._change({self._name(target): self.number(path), self._name(path): None})

    def write(self, number: int, content: bytes, offset: int) -> None:
        node = self._nodes[number]
        before = node.content[:offset].ljust(offset, b"\0")
        node.change(before + content + node.content[offset + len(content) :])

    def truncate(self, number: int, size: int) -> None:
        self._nodes[number].change(self._nodes[number].content[:size])

    def flush(self, number: int) -> None:
        node = self._nodes[number]
        node.flush()
        if node.is_directory:
            wanted = set[int]()
            for place in reversed(range(len(self._pending))):
                change = self._pending[place]
                names = {name for later in wanted for name in self._pending[later].names}
                if _is_in(change, number) or names & change.names.keys():
                    wanted.add(place)  # also what the flushed steps build on
            for place in sorted(wanted):
                _apply(self._lasting, self._pending[place])
            self._pending = [one for place, one in enumerate(self._pending) if place not in wanted]

    def number(self, path: Path) -> int:
        found = 0
        for part in path.relative_to(self._root).parts:
            found = self._now()[found, part]
        return found

    def knows(self, path: Path) -> bool:
        if not path.is_relative_to(self._root):
            return False
        try:
            self.number(path)
        except KeyError:
            return False
        return True

    def _now(self) -> dict[_Name, int]:
        names = dict(self._lasting)
        for change in self._pending:
            _apply(names, change)
        return names

    def _name(self, path: Path) -> _Name:
        return self.number(path.parent), path.name

    def _change(self, names: dict[_Name, int | None]) -> None:
        self._pending.append(_Change(names))

    # -- what may have come of it -----------------------------------------------------------------

    def after_power_loss(self) -> Iterator[dict[Path, bytes]]:
        """Every set of files that may be there."""
        directories = sorted({number for one in self._pending for number, _ in one.names})
        counts = [sum(_is_in(one, number) for one in self._pending) for number in directories]
        for kept in itertools.product(*(range(count + 1) for count in counts)):
            budget = dict(zip(directories, kept, strict=True))
            names, left = dict(self._lasting), dict(budget)
            for change in self._pending:
                involved = {number for number, _ in change.names}
                if all(left[number] > 0 for number in involved):
                    _apply(names, change)
                    for number in involved:
                        left[number] -= 1
                else:  # what came later in one of these directories did not come either
                    for number in involved:
                        left[number] = 0
            yield from self._contents(dict(self._files(names)))

    def _contents(self, files: dict[Path, _Node]) -> Iterator[dict[Path, bytes]]:
        """Each thing that files may have in them, with each of the others."""
        nodes = list({id(node): node for node in files.values()}.values())
        for contents in itertools.product(*(node.may_be() for node in nodes)):
            found = {id(node): content for node, content in zip(nodes, contents, strict=True)}
            yield {path: found[id(node)] for path, node in files.items()}

    def _files(self, names: dict[_Name, int]) -> Iterator[tuple[Path, _Node]]:
        def below(number: int, path: Path) -> Iterator[tuple[Path, int]]:
            for (directory, name), entry in names.items():
                if directory == number:
                    yield path / name, entry
                    yield from below(entry, path / name)

        for path, number in below(0, Path()):
            if not self._nodes[number].is_directory:
                yield path, self._nodes[number]


def _is_in(change: _Change, directory: int) -> bool:
    return any(number == directory for number, _ in change.names)


def _apply(names: dict[_Name, int], change: _Change) -> None:
    for name, number in change.names.items():
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number


@contextmanager
def recording(root: Path, after_each: Callable[[Disk], None]) -> Iterator[Disk]:
    """Record what is done to files below a directory, and look after each step."""
    disk, handles = Disk(root), dict[int, int]()

    def note(deed: Callable[[], None]) -> None:
        deed()
        after_each(disk)

    def follow(name: str, wrap: Callable[..., Any]) -> None:
        real = getattr(os, name)
        patch.setattr(os, name, lambda *given, **named: wrap(real, *given, **named))

    def opened(real: Any, path: Any, flags: int, *rest: Any, **named: Any) -> int:
        is_new = not os.path.lexists(path)
        handle: int = real(path, flags, *rest, **named)
        place = Path(os.fsdecode(path))
        if flags & os.O_CREAT and is_new and place.is_relative_to(root):
            note(lambda: disk.make(place, is_directory=False))
        if place == root or disk.knows(place):
            handles[handle] = disk.number(place)
        return handle

    def closed(real: Any, handle: int) -> None:
        handles.pop(handle, None)
        real(handle)

    def written(real: Any, handle: int, content: Any, offset: int) -> int:
        count: int = real(handle, content, offset)
        if handle in handles:
            note(lambda: disk.write(handles[handle], bytes(content)[:count], offset))
        return count

    def cut(real: Any, handle: int, size: int) -> None:
        real(handle, size)
        if handle in handles:
            note(lambda: disk.truncate(handles[handle], size))

    def flushed(real: Any, handle: int) -> None:
        real(handle)
        if handle in handles:
            note(lambda: disk.flush(handles[handle]))

    def made(real: Any, path: Any, *rest: Any) -> None:
        real(path, *rest)
        if Path(path).is_relative_to(root):
            note(lambda: disk.make(Path(path), is_directory=True))

    def renamed(real: Any, path: Any, target: Any, **named: Any) -> None:
        real(path, target, **named)
        if disk.knows(Path(path)):
            note(lambda: disk.rename(Path(path), Path(target)))

    def linked(real: Any, path: Any, target: Any, **named: Any) -> None:
        real(path, target, **named)
        if Path(target).is_relative_to(root):
            note(lambda: disk.link(Path(path), Path(target)))

    def unlinked(real: Any, path: Any, **named: Any) -> None:
        real(path, **named)
        if disk.knows(Path(path)):
            note(lambda: disk.unlink(Path(path)))

    with pytest.MonkeyPatch.context() as patch:
        for name, wrap in (
            ("open", opened), ("close", closed), ("pwrite", written), ("ftruncate", cut),
            ("fsync", flushed), ("mkdir", made), ("rename", renamed), ("replace", renamed),
            ("link", linked), ("unlink", unlinked), ("rmdir", unlinked),
        ):  # fmt: skip
            follow(name, wrap)
        yield disk
