"""How publishing is shown, by ``publish`` and by a ``sync`` that publishes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drmsmirror.cli.common import counted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from drmsmirror.publish import Publication, Reporter

__all__ = ["bar_on_terminal", "told"]


class _Bar:
    """A bar of the rows that were read."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def rows(self, series: str, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._progress.add_task(series, rows="")
        self._progress.update(self._task, completed=done, total=total, rows=f"{done:,}/{total:,}")


@contextmanager
def bar_on_terminal() -> Iterator[Reporter | None]:
    """Give a reporter that shows a bar while the block runs; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        yield _Bar(progress)


def told(done: Publication) -> str:
    """What publishing did, in one line."""
    added = f", new columns {', '.join(done.columns_added)}" if done.columns_added else ""
    return (
        f"{done.series}: {done.written:,} written, {done.removed:,} removed{added}; "
        f"{counted(done.records, 'record')} in {done.name}, {done.target}"
    )
