"""One record table: a Delta Lake table that is created, opened, appended to and read by name.

What is written here is durable before the call returns: the files of a commit are flushed to the
disk after it, so that the catalogue may say that they are there. Who only reads needs no more than
the list of files of one version, which many can share.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import IntegrityError, LockedError, NoSpaceError, StoreError
from drmsmirror.failpoints import effect
from drmsmirror.files import make_directory, set_aside, sync_files
from drmsmirror.model.codecs import arrow_type
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.records.engine import Connect, connect, literal, unreadable
from drmsmirror.records.filelist import DataFile, FileList, Ranges, commit_file
from drmsmirror.records.former import (
    FORMER_PROPERTY,
    FormerColumn,
    former_of,
    former_text,
)
from drmsmirror.records.parquetfiles import ROW_GROUP, columns_without_statistics, write_partition
from drmsmirror.records.schema import PERIOD, Period, pruning_columns, table_schema
from drmsmirror.records.tablelog import KEPT_PROPERTY, TableLog, log_properties

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

__all__ = ["KEPT_HOURS", "CommitConflictError", "RecordTable", "refuse_other_types"]

#: Hours for which files of superseded versions, and the log of them, are kept for those who still
#: read them.
KEPT_HOURS = 24

_PERIOD_PROPERTY = "drmsmirror.period"

_Found = TypeVar("_Found")


class CommitConflictError(LockedError):
    """Another process committed to the table since it was read; the object now reads that version.

    Raised where a lease was lost: what was found out about the table must be found out again.
    """


class RecordTable:
    """The record table of one series, at one version until something is written through it.

    Parameters
    ----------
    path : Path
        Directory of the Delta table.
    definition : SeriesDefinition
    period : Period
        How the table is cut into partitions.
    files : FileList
        What it consists of.
    delta : DeltaTable, optional
        The same, opened, of this object's own; without it, it is opened to be written.
    connect : callable
        Gives connections to the engine by which the table is read.
    until : int, optional
        The run after which the records are wanted as they stood; by default as they stand.
    """

    def __init__(
        self,
        path: Path,
        definition: SeriesDefinition,
        period: Period,
        files: FileList,
        delta: DeltaTable | None = None,
        connect: Connect = connect,
        until: int | None = None,
    ) -> None:
        self.path = path
        self.definition = definition
        self.period = period
        self.connect = connect
        self.file_list = files
        self.until = until
        self._opened = delta

    @classmethod
    def create(
        cls,
        path: Path,
        definition: SeriesDefinition,
        period: Period,
        *,
        others: Sequence[pa.Field] = (),
        former: Sequence[FormerColumn] = (),
        connect: Connect = connect,
    ) -> RecordTable:
        """Make an empty table.

        One that is there already, left by a process that died before the catalogue knew of it, is
        opened, and keeps its own period.

        Parameters
        ----------
        path : Path
        definition : SeriesDefinition
        period : Period
        others : sequence of pyarrow.Field
            Columns that the definition has not.
        former : sequence of FormerColumn
            What those are.
        connect : callable
            As the class takes it.
        """
        from deltalake import DeltaTable

        make_directory(path)
        with effect("records.creation"):
            delta = DeltaTable.create(
                path,
                _with_others(table_schema(definition), others),
                mode="ignore",
                partition_by=[PERIOD],
                name=definition.name,
                description=definition.note[:200] or None,
                configuration={
                    "delta.dataSkippingStatsColumns": ",".join(pruning_columns(definition)),
                    "delta.checkpointInterval": "50",
                    _PERIOD_PROPERTY: str(period),
                    **({FORMER_PROPERTY: former_text(former)} if former else {}),
                    **log_properties(KEPT_HOURS),
                },
                raise_if_key_not_exists=False,
            )
        period = Period(delta.metadata().configuration.get(_PERIOD_PROPERTY, period))
        table = cls(path, definition, period, FileList.of(path, delta), delta, connect)
        table._make_durable(range(delta.version() + 1))
        return table

    @classmethod
    def open(
        cls,
        path: Path,
        definition: SeriesDefinition,
        period: Period,
        *,
        at_least: int,
        connect: Connect = connect,
    ) -> RecordTable:
        """Open the newest version of a table that the catalogue knows.

        Parameters
        ----------
        at_least : int
            The version that the catalogue says is there.
        connect : callable
            As the class takes it.

        Raises
        ------
        IntegrityError
            The table is absent, unreadable, or older than the catalogue says.
        StoreError
            It has other types than the definition.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        try:
            delta = DeltaTable(path)
        except DeltaError as error:
            raise unreadable(path, error) from error
        if delta.version() < at_least:
            raise IntegrityError(
                f"The record table of {definition.name} at {path} is at version {delta.version()}, "
                f"but the catalogue knows version {at_least}: the table was restored from an older "
                f"copy. Restore the catalogue of the same moment (drmsmirror db restore)"
            )
        files = FileList.of(path, delta)
        refuse_other_types(path, definition, files)
        return cls(path, definition, period, files, delta, connect)

    def as_of(self, run: int) -> RecordTable:
        """The same table for whoever wants the records as they stood after a run.

        It is one to select from; its files and their statistics are those of the present.
        """
        return RecordTable(
            self.path, self.definition, self.period, self.file_list, None, self.connect, run
        )

    @property
    def version(self) -> int:
        """Version of the table that this object reads."""
        return self.file_list.version

    def files(self, *wanted: Ranges) -> list[str]:
        """Paths of the Parquet files that can hold a row within the ranges of one of ``wanted``.

        Parameters
        ----------
        *wanted : sequence of tuple
            Columns and spans; see :meth:`~drmsmirror.records.filelist.FileList.paths`.
        """
        return self.file_list.paths(*wanted)

    def append(self, rows: pa.Table) -> None:
        """Commit new rows, all of :func:`~drmsmirror.records.schema.table_schema`'s columns."""
        from deltalake import write_deltalake

        self._commit(
            lambda: write_deltalake(
                self._delta,
                rows,
                mode="append",
                schema_mode="merge",  # a keyword that is new gets its column
                writer_properties=_writer_properties(self.definition, rows.schema, self.schema),
                commit_properties=_only_upon_what_was_read(),
            )
        )

    def revise(self, rows: pa.Table, keys: Sequence[str]) -> None:
        """Commit new rows and, in the same commit, what changed about rows that are held.

        Parameters
        ----------
        rows : pyarrow.Table
            New rows, and rows that take the place of those held in the same partition whose
            ``keys`` are equal.
        keys : sequence of str
            Columns that identify a row, ``recnum`` among them.
        """
        periods = ", ".join(f"'{period}'" for period in rows[PERIOD].unique().to_pylist())
        same = " AND ".join(f"held.{key} = given.{key}" for key in (PERIOD, *keys))
        numbers = pc.min_max(rows["recnum"]).as_py()
        # naming them keeps the merge from reading every file of the table: those of other
        # partitions, and those whose statistics say that none of the numbers is there
        predicate = (
            f"{same} AND held.{PERIOD} IN ({periods}) "
            f"AND held.recnum BETWEEN {numbers['min']} AND {numbers['max']}"
        )
        self._commit(
            lambda: (
                self._delta.merge(
                    rows,
                    predicate,
                    source_alias="given",
                    target_alias="held",
                    merge_schema=True,  # without it a new column is dropped in silence
                    writer_properties=_writer_properties(self.definition, rows.schema, self.schema),
                    commit_properties=_only_upon_what_was_read(),
                )
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute()
            )
        )

    @property
    def schema(self) -> pa.Schema:
        """Columns that the table has, those that the definition has not before the last one.

        Those of keywords added lately come with their first rows.
        """
        has, known = self.file_list.schema, table_schema(self.definition)
        fields = pa.schema([field for field in known if field.name in has.names])
        return _with_others(fields, [field for field in has if field.name not in known.names])

    @property
    def former(self) -> tuple[FormerColumn, ...]:
        """Columns of keywords that the series no longer has."""
        has, known = self.file_list.schema.names, self.definition.column
        listed = former_of(self.file_list.former)
        return tuple(one for one in listed if one.column.name in has and not known(one.column.name))

    def keep_former(self, columns: Sequence[FormerColumn]) -> None:
        """Commit what the columns are that the definition has no longer."""
        self._commit(
            lambda: self._delta.alter.set_table_properties(
                {FORMER_PROPERTY: former_text(columns)},
                raise_if_not_exists=False,
                commit_properties=_only_upon_what_was_read(),
            )
        )

    def replace_partition(
        self, period: str, rows: Iterator[pa.RecordBatch], file_bytes: int
    ) -> None:
        """Commit a partition written anew, in files of about ``file_bytes``.

        The rows must be the same, in another order, with the columns of :attr:`schema`.
        """
        self._commit(
            lambda: self._delta.create_write_transaction(
                [*write_partition(self.path, self.definition, period, rows, file_bytes)],
                mode="overwrite",
                schema=self._delta.schema(),
                partition_by=[PERIOD],
                partition_filters=[(PERIOD, "=", period)],
                commit_properties=_only_upon_what_was_read(),
            )
        )

    def add_partition(self, period: str, rows: Iterator[pa.RecordBatch], file_bytes: int) -> None:
        """Commit the rows of a partition that has none yet, in files of about ``file_bytes``."""
        self._commit(
            lambda: self._delta.create_write_transaction(
                [*write_partition(self.path, self.definition, period, rows, file_bytes)],
                mode="append",
                schema=self._delta.schema(),
                partition_by=[PERIOD],
                commit_properties=_only_upon_what_was_read(),
            )
        )

    def file_sizes(self) -> dict[str, list[int]]:
        """Sizes of the files of each partition, bytes."""
        return self.file_list.sizes()

    def data_files(self) -> list[DataFile]:
        """Every file, as the log describes it."""
        return self.file_list.described(self.definition.axis.column)

    def complete_keys(self) -> frozenset[str]:
        """Columns of which the statistics show that no row has a missing value."""
        return frozenset(
            name
            for name in pruning_columns(self.definition)
            if (column := self.definition.column(name)) is not None
            and _lie_above(self.file_list.smallest(name), column.type)
        )

    def largest(self, column: str) -> float | None:
        """Largest value of a column that has statistics, all versions counted; None without rows.

        Parameters
        ----------
        column : str
            Of numbers.
        """
        return max((one for one in self.file_list.largest(column) if one is not None), default=None)

    def row_count(self) -> int:
        """Number of rows, all versions counted."""
        return self.file_list.row_count()

    def once(self, what: Hashable, find: Callable[[], _Found]) -> _Found:
        """Find something out about the rows of this version, the first time that it is asked."""
        return self.file_list.once(what, find)

    def remove_rows(self, condition: str, periods: Sequence[str]) -> None:
        """Commit the removal of the rows of some partitions that satisfy a condition.

        Parameters
        ----------
        condition : str
            In SQL that both Delta Lake and DuckDB understand.
        periods : sequence of str
            The only partitions that are read.
        """
        named = ", ".join(literal(period) for period in periods)
        self._commit(
            lambda: self._delta.delete(
                f"{PERIOD} IN ({named}) AND ({condition})",
                writer_properties=_writer_properties(self.definition, self.schema),
                commit_properties=_only_upon_what_was_read(),
            )
        )

    def forget_files(self, files: Sequence[DataFile]) -> None:
        """Commit that damaged files belong to the table no longer; nothing of it is read.

        What is still there of them stays beside the others, until unused files are removed.
        """
        for file in files:
            set_aside(self.path / file.path)
        if files:
            self._commit(lambda: self._delta.repair(commit_properties=_only_upon_what_was_read()))

    def unused_files(self, kept_hours: int = KEPT_HOURS) -> list[Path]:
        """Files that :meth:`remove_unused_files` would remove."""
        listed = self._vacuum(kept_hours, dry_run=True)
        # it lists those too that it has removed already, for as long as the log speaks of them
        return [path for name in listed if (path := self.path / name).exists()]

    def remove_unused_files(self, kept_hours: int = KEPT_HOURS) -> None:
        """Remove files that no version of the last day consists of: no reader needs them.

        Files that a killed process wrote and never committed go with them.

        Parameters
        ----------
        kept_hours : int
            For how long files are kept that the newest version does not consist of.
        """
        self._commit(lambda: self._vacuum(kept_hours, dry_run=False))

    def log(self) -> TableLog:
        """How the log of the table stands."""
        return TableLog.of(self.path)

    @property
    def keeps_log_for(self) -> int | None:
        """Hours for which the log is kept; None where that was not said by this version."""
        configuration = self._delta.metadata().configuration
        hours = configuration.get(KEPT_PROPERTY, "").removeprefix("interval ").split(" ")[0]
        is_ours = hours.isdecimal() and log_properties(int(hours)).items() <= configuration.items()
        return int(hours) if is_ours else None

    def keep_log_for(self, hours: int) -> None:
        """Commit for how long the log is kept."""
        self._commit(
            lambda: self._delta.alter.set_table_properties(
                log_properties(hours), commit_properties=_only_upon_what_was_read()
            )
        )

    def shorten_log(self, *, checkpoint: bool) -> None:
        """Remove what is older than the log is kept, and before its last checkpoint.

        Parameters
        ----------
        checkpoint : bool
            Whether the state of the table is written down first, so that all before can go.
        """
        from deltalake.exceptions import DeltaError

        try:
            if checkpoint:
                with effect("log.checkpoint"):
                    self._delta.create_checkpoint()
            # it must be on the disk before what it stands for is removed
            sync_files(self.log().checkpoint_files)
            with effect("log.cleanup"):
                self._delta.cleanup_metadata()
        except (DeltaError, OSError) as error:
            raise StoreError(
                f"Cannot shorten the log of {self.definition.name} at {self.path}: {error}"
            ) from error

    def _vacuum(self, kept_hours: int, *, dry_run: bool) -> list[str]:
        return self._delta.vacuum(
            retention_hours=kept_hours,
            dry_run=dry_run,
            enforce_retention_duration=False,
            full=True,
        )

    def _commit(self, write: Callable[[], object]) -> None:
        """Run a write that makes new versions, and flush what it wrote.

        Raises
        ------
        CommitConflictError
            Another process was quicker; nothing was committed.
        """
        before = self.version
        with effect("records.commit"):
            self._attempt(write)
            self._look_again()
            self._make_durable(range(before + 1, self.version + 1))

    def _attempt(self, write: Callable[[], object]) -> None:
        """Run a write, and say in our words what made it fail."""
        from deltalake.exceptions import CommitFailedError, DeltaError

        try:
            write()
        except CommitFailedError as error:
            self._look_again()
            raise CommitConflictError(
                f"Another process wrote records of {self.definition.name} at the same time; run "
                f"the same again when it has finished"
            ) from error
        except (DeltaError, OSError) as error:
            if "No space left" in str(error) or "StorageFull" in str(error):
                raise NoSpaceError(
                    f"No space left for the records of {self.definition.name} at {self.path}; "
                    f"free some and run the same again: nothing that was held is lost"
                ) from error
            raise StoreError(
                f"Cannot write records of {self.definition.name} at {self.path}: {error}"
            ) from error

    @property
    def _delta(self) -> DeltaTable:
        """The table to be written: of this object's own, at the version that it reads."""
        from deltalake import DeltaTable

        if self._opened is None:
            self._opened = DeltaTable(self.path, version=self.version)
        return self._opened

    def _look_again(self) -> None:
        """Read the newest version from now on."""
        self._delta.update_incremental()
        self.file_list = FileList.of(self.path, self._delta)

    def _make_durable(self, versions: range) -> None:
        commits = [commit_file(self.path, version) for version in versions]
        added = [
            self.path / action["add"]["path"]
            for commit in commits
            if commit.exists()
            for line in commit.read_text(encoding="utf-8").splitlines()
            if "add" in (action := json.loads(line))
        ]
        sync_files([*added, *commits])


def refuse_other_types(path: Path, definition: SeriesDefinition, files: FileList) -> None:
    """Refuse a table that has other types than a definition.

    Raises
    ------
    StoreError
        Types of the series changed between the reading of one and of the other.
    """
    for column in definition.columns:
        if files.types.get(column.name, arrow_type(column.type)) != arrow_type(column.type):
            raise StoreError(
                f"The record table of {definition.name} at {path} has another type for "
                f"{column.key} than the definition. Where a sync has just followed the upstream, "
                f"ask again; otherwise bring the whole mirror back from a copy"
            )


def _with_others(schema: pa.Schema, others: Sequence[pa.Field]) -> pa.Schema:
    """A schema with further columns before the last one, that of the partition."""
    *fields, period = schema
    return pa.schema([*fields, *others, period])


def _lie_above(smallest: Sequence[Any], type_: KeywordType) -> bool:
    """Whether all are known and lie above the missing value, below which there is none."""
    limit: Any = type_.missing
    if type_ is KeywordType.TIME:
        limit += 1.0  # what is near it is missing too
    return all(value is not None and value > limit for value in smallest)


def _only_upon_what_was_read() -> CommitProperties:
    """Commit only what follows the version that was read: others' rows decide what is latest."""
    from deltalake import CommitProperties

    return CommitProperties(max_commit_retries=0)


def _writer_properties(definition: SeriesDefinition, *schemas: pa.Schema) -> WriterProperties:
    """How the files of a window are written: quickly, since compaction replaces them.

    The columns are those of the rows that are given, and those of rows that are held.
    """
    from deltalake import ColumnProperties, WriterProperties

    without = ColumnProperties(statistics_enabled="NONE", dictionary_enabled=False)
    names = [name for one in schemas for name in columns_without_statistics(definition, one)]
    return WriterProperties(
        compression="SNAPPY",
        max_row_group_size=ROW_GROUP,
        column_properties=dict.fromkeys(names, without),
    )
