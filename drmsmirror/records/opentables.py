"""The record tables that were read last, known as long as nobody writes them."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.databases import Databases
from drmsmirror.records.filelist import FileList
from drmsmirror.records.schema import Period
from drmsmirror.records.table import RecordTable, refuse_other_types

__all__ = ["OpenTables"]

#: Of how many tables the files are known.
_MOST = 32


class OpenTables:
    """Opens record tables to be read, with no more effort than is needed.

    Whoever asks gets the newest version, whichever process wrote it: the log is looked at each
    time, and read where it has grown. What was handed out stays at its version. Threads may share
    it.

    Attributes
    ----------
    databases : Databases
        By which they are read.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Path, FileList] = OrderedDict()
        self._lock = Lock()
        self.databases = Databases()

    def open(
        self, path: Path, definition: SeriesDefinition, period: Period, *, at_least: int
    ) -> RecordTable:
        """Open a table as :meth:`RecordTable.open` does, to be read."""
        files = self._known_of(path)
        if files is None or files.version < at_least or not files.is_newest():
            files = RecordTable.open(path, definition, period, at_least=at_least).file_list
            self._keep(path, files)
        else:
            refuse_other_types(path, definition, files)
        return RecordTable(path, definition, period, files, connect=self.databases.connect)

    def close(self) -> None:
        """Let go of what is kept open."""
        with self._lock:
            self._known.clear()
        self.databases.close()

    def _known_of(self, path: Path) -> FileList | None:
        with self._lock:
            if path in self._known:
                self._known.move_to_end(path)
            return self._known.get(path)

    def _keep(self, path: Path, files: FileList) -> None:
        with self._lock:
            self._known[path] = files
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
