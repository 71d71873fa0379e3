"""A bar for files of which it is not known from the beginning how many they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "progress_bar"]

_Item = TypeVar("_Item")


class Bar:
    """Where there is none: nobody is shown how far it has come."""

    def expect(self, files: int, *, is_all: bool) -> None:
        """Say that so many more come, and whether these are all."""

    def watched(self, items: Iterator[_Item]) -> Iterator[_Item]:
        """The same, counted while they go by."""
        return items

    def echo(self, line: str) -> None:
        """Write a line to stdout."""
        click.echo(line)


@dataclass
class _Shown(Bar):
    """A bar on a terminal; if the lines go to one too, they take its place."""

    progress: Progress
    task: TaskID
    gives_way: bool
    known: int = 0

    def expect(self, files: int, *, is_all: bool) -> None:
        self.known += files
        self.progress.update(self.task, total=self.known if is_all else None)

    def watched(self, items: Iterator[_Item]) -> Iterator[_Item]:
        for item in items:
            self.progress.advance(self.task)
            yield item

    def echo(self, line: str) -> None:
        if self.gives_way:
            self.progress.stop()
        click.echo(line)


@contextmanager
def progress_bar(*, is_for_people: bool) -> Iterator[Bar]:
    """Show on a terminal how far it has come.

    Parameters
    ----------
    is_for_people : bool
        Whether what is written to stdout are lines by :meth:`Bar.echo`.
    """
    gives_way = sys.stdout.isatty()
    if not sys.stderr.isatty() or (gives_way and not is_for_people):
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # which would send the lines where the bar is
    ) as progress:
        yield _Shown(progress, progress.add_task("files", total=None), gives_way)
