"""``ExportRequest``: what ``drms.Client.export`` returns, over files of the mirror.

Source: client-side behaviour of drms 0.9.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn

from drmsmirror.client.exportnames import name_from_record
from drmsmirror.client.stockerrors import raises_as_stock
from drmsmirror.errors import ExportError, NoObjectError
from drmsmirror.model.filenames import safe_name
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.objects import Laying, lay
from drmsmirror.upstream import NEVER, Deadline

if TYPE_CHECKING:
    import pandas as pd

    from drmsmirror.objects import ObjectStore

__all__ = ["NO_FILE", "READY", "WAITING", "WRONG", "Export", "ExportRequest", "ExportedFile"]

#: What stands in place of the file of a record that has none.
NO_FILE = "NoDataFile"

#: How an export stands, in JSOC's numbers (DRMS semantics 4.4.3).
READY, WAITING, WRONG = 0, 2, 4
_UNKNOWN = 6
_PENDING = (1, WAITING, _UNKNOWN)
#: What JSOC says of the keywords of files that have them.
_IN_FILES = "**IN FITS FILES**"
#: Seconds between two questions how an export stands, where nobody says how many.
_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of an export.

    Parameters
    ----------
    record : str
        As a record set; empty for an archive.
    shown : str
        What the table of the data says.
    name : str
        What it is called.
    sha256 : str
        Its object in the store; empty where the record has no file.
    size_bytes : int
    path : Path or None
        To read only; None where the store is no file system.
    url : str
        The same as ``file://``; else where it is, as ``s3://``.
    """

    record: str
    shown: str
    name: str
    sha256: str = ""
    size_bytes: int = 0
    path: Path | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """How an export stands.

    Parameters
    ----------
    method, protocol : str
    status : int
        In JSOC's numbers: 0 is ready, 1, 2 and 6 are pending, all others failed.
    files : tuple of ExportedFile
        Of one that is ready.
    request_id : str
        JSOC's number of it, where it has one.
    message : str
        Why it failed, or is not ready.
    lacking : str
        What it lacks, though it is ready, and why.
    cause : Exception or None
        Of one that the mirror refuses: the error.
    """

    method: str
    protocol: str
    status: int = READY
    files: tuple[ExportedFile, ...] = ()
    request_id: str = ""
    message: str = ""
    lacking: str = ""
    cause: Exception | None = None


@raises_as_stock
class ExportRequest:
    """Files that were exported, or are on their way, as ``drms.ExportRequest`` has them.

    Parameters
    ----------
    export : Export
    store : ObjectStore
    definition_of : callable
        Gives the definition of a series, by which files are named after their records.
    again : callable, optional
        Says how it stands now; where it is not given that does not change.
    pause : callable
        Lets seconds go by.
    """

    def __init__(
        self,
        export: Export,
        store: ObjectStore,
        definition_of: Callable[[str], SeriesDefinition],
        again: Callable[[], Export] | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._export = export
        self._store = store
        self._definition_of = definition_of
        self._again = again
        self._pause = pause

    def __repr__(self) -> str:
        return f"<ExportRequest: id={self.id}, status={self.status}>"

    # -- how it stands ----------------------------------------------------------------------------

    @property
    def id(self) -> str | None:
        """JSOC's number of the order; None where nothing was ordered."""
        return self._export.request_id or None

    @property
    def status(self) -> int:
        """How it stands, in JSOC's numbers: 0 is ready."""
        return self._export.status

    @property
    def message(self) -> str:
        """Why it failed, or is not ready; this the stock one does not have."""
        return self._export.message

    @property
    def lacking(self) -> str:
        """What it lacks, and why; this the stock one does not have."""
        return self._export.lacking

    @property
    def method(self) -> str:
        """How the files are given: ``url_quick`` or ``url``."""
        return self._export.method

    @property
    def protocol(self) -> str | None:
        """In which form: ``as-is`` or ``fits``."""
        return self._export.protocol or None

    def has_finished(self, *, skip_update: bool = False) -> bool:
        """Whether it is ready, or failed.

        Parameters
        ----------
        skip_update : bool
            Whether nobody is asked how it stands by now.
        """
        if self.status in _PENDING and not skip_update and self._again is not None:
            now = self._again()
            self._export = replace(now, request_id=now.request_id or self._export.request_id)
        return self.status not in _PENDING

    def has_succeeded(self, *, skip_update: bool = False) -> bool:
        """Whether it is ready."""
        return self.has_finished(skip_update=skip_update) and self.status == READY

    def has_failed(self, *, skip_update: bool = False) -> bool:
        """Whether it failed."""
        return self.has_finished(skip_update=skip_update) and self.status != READY

    def wait(
        self,
        *,
        timeout: float | None = None,
        sleep: float | None = 5,
        retries_notfound: int = 5,
    ) -> bool:
        """Wait until it is ready.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without them as long as it takes.
        sleep : float, optional
            Seconds between two questions; None for ten.
        retries_notfound : int
            How often it may be unknown at JSOC, as it is shortly after it was ordered.

        Returns
        -------
        bool
            False where the time was over before.

        Raises
        ------
        ExportError
            It failed.
        """
        deadline = NEVER if timeout is None else Deadline.within(timeout)
        pause = _PAUSE if sleep is None else sleep
        times_unknown = 0
        while not self.has_finished(skip_update=True):
            if deadline.left <= pause:
                return False
            self._pause(pause)
            if not self.has_finished() and self.status == _UNKNOWN:
                if times_unknown >= retries_notfound:
                    self._fail()
                times_unknown += 1
        if self.status != READY:
            self._fail()
        return True

    # -- what came --------------------------------------------------------------------------------

    @property
    def files(self) -> tuple[ExportedFile, ...]:
        """The files that are there; this the stock one does not have."""
        return tuple(one for one in self._files() if one.sha256)

    @property
    def data(self) -> pd.DataFrame:
        """Records and names of their files; with ``url_quick`` where they are."""
        import pandas as pd

        rows = [(one.record, one.shown) for one in self._files()]
        return pd.DataFrame(rows or None, columns=["record", "filename"])

    @property
    def urls(self) -> pd.DataFrame:
        """Records, names of their files, and where they are as ``file://`` or ``s3://``."""
        import pandas as pd

        rows = {
            number: (one.record or None, one.name, one.url)
            for number, one in enumerate(self._files())
            if one.sha256
        }
        columns = ["record", "filename", "url"]
        return pd.DataFrame(list(rows.values()) or None, columns=columns, index=list(rows))

    @property
    def dir(self) -> None:
        """None: the files are in no directory of their own."""
        self._files()

    @property
    def request_url(self) -> None:
        """None, as :attr:`dir`."""
        self._files()

    @property
    def keywords(self) -> str | None:
        """``**IN FITS FILES**`` where they are there; else None: they are in the mirror."""
        self._files()
        return _IN_FILES if (self.protocol or "").startswith("fits") else None

    @property
    def tarfile(self) -> str | None:
        """Path of the archive, where JSOC packed one; else None."""
        return next((one.shown for one in self._files() if not one.record), None)

    def download(
        self,
        directory: str | Path,
        *,
        index: int | Sequence[int] | None = None,
        fname_from_rec: bool | None = None,
        timeout: float = 60,  # noqa: ARG002 - nothing is waited for
    ) -> pd.DataFrame:
        """Lay copies of the files into a directory; a name that is taken gets a number.

        Parameters
        ----------
        directory : str or Path
            Which is there.
        index : int or list of int, optional
            Rows of :attr:`urls`; by default all.
        fname_from_rec : bool, optional
            Whether files are named after their records; by default those of ``url_quick`` are.
        timeout : float
            The stock client's.

        Returns
        -------
        pandas.DataFrame
            ``record``, ``url`` and ``download``, the path of the copy; None where the file is no
            longer in the store.
        """
        import pandas as pd

        target = Path(directory).absolute()
        if not target.is_dir():
            raise FileNotFoundError(f"Download directory {target} does not exist")
        wanted = self.urls
        files = [*self.files]
        if index is not None and self.tarfile is None:
            chosen = list(index) if isinstance(index, Iterable) else [index]
            wanted = wanted.iloc[chosen].copy()
            files = [files[number] for number in chosen]
        by_record = self.method == "url_quick" if fname_from_rec is None else fname_from_rec
        found = wanted[["record", "url"]].copy()
        laid = [self._laid(one, target, by_record=by_record) for one in files]
        found["download"] = pd.Series(laid, index=found.index, dtype=object)
        return found

    def _laid(self, file: ExportedFile, directory: Path, *, by_record: bool) -> Path | None:
        name = file.name
        if by_record:
            name = name_from_record(self._definition_of, file.record, name) or name
        free = PurePosixPath(_next_free(directory / safe_name(name)).name)
        try:
            return lay(self._store, file.sha256, directory, free, Laying.COPY).path
        except NoObjectError:
            return None

    def _files(self) -> tuple[ExportedFile, ...]:
        self.wait()
        return self._export.files

    def _fail(self) -> NoReturn:
        said = self.message or "The export failed."
        raise ExportError(f"{said} [status={self.status}]") from self._export.cause


def _next_free(path: Path) -> Path:
    number, free = 0, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
