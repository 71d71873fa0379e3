"""The tables that SQL can name: series, all versions of series, DRMS's master tables."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.catalogue import MASTER_TABLES
from drmsmirror.errors import SqlError
from drmsmirror.mirror import Mirror
from drmsmirror.records import ALL_VERSIONS

__all__ = ["MasterName", "SeriesName", "SqlName", "SqlNames"]


@dataclass(frozen=True, slots=True)
class SeriesName:
    """A series, or every version of its records.

    Parameters
    ----------
    series : str
        Its name, in lower case.
    all_versions : bool
    """

    series: str
    all_versions: bool = False

    @property
    def text(self) -> str:
        """How it is written, in lower case."""
        return self.series + (ALL_VERSIONS if self.all_versions else "")


@dataclass(frozen=True, slots=True)
class MasterName:
    """One of DRMS's master tables: ``hmi.drms_keyword``.

    Parameters
    ----------
    namespace, table : str
        In lower case.
    """

    namespace: str
    table: str

    @property
    def text(self) -> str:
        """How it is written, in lower case."""
        return f"{self.namespace}.{self.table}"


SqlName = SeriesName | MasterName


@dataclass(frozen=True, slots=True)
class SqlNames:
    """Everything that a statement may name, in one mirror.

    A series has its own name before all else: ``hmi.x_all`` is the series of that name where there
    is one, and no longer every version of ``hmi.x``.

    Parameters
    ----------
    by_text : dict
        By name in lower case.
    held : tuple of str
        Series that have a record table, in lower case and in their order.
    known : frozenset of str
        All series that the catalogue knows.
    """

    by_text: dict[str, SqlName]
    held: tuple[str, ...]
    known: frozenset[str]

    @classmethod
    def of(cls, mirror: Mirror) -> SqlNames:
        """Look up what a mirror has."""
        catalogue = mirror.catalogue
        known = sorted(series.name.lower() for series in catalogue.series())
        held = tuple(name for name in known if catalogue.state(name).table_path is not None)
        namespaces = dict.fromkeys(name.partition(".")[0] for name in known)
        names: list[SqlName] = [
            MasterName(one, table) for one in namespaces for table in MASTER_TABLES
        ]
        names += [SeriesName(series, all_versions=True) for series in held]
        names += [SeriesName(series) for series in held]  # the last of one name counts
        return cls({name.text: name for name in names}, held, frozenset(known))

    def find(self, text: str, shown: str) -> SqlName:
        """Find a table by its name in lower case.

        Parameters
        ----------
        text : str
        shown : str
            How it was written.

        Raises
        ------
        SqlError
            There is none; the message says which series there are.
        """
        found = self.by_text.get(text)
        if found is not None:
            return found
        if text.removesuffix(ALL_VERSIONS) in self.known:
            series = text.removesuffix(ALL_VERSIONS)
            raise SqlError(
                f"No record of {series} is held yet; bring it with\n  drmsmirror sync {series}"
            )
        held = f"held are {', '.join(self.held)}" if self.held else "the mirror holds none yet"
        raise SqlError(f"{shown} is no series of this mirror; {held}")
