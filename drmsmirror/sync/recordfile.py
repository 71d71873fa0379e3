"""Read a file of records: CSV, Parquet, or a recorded ``rs_list`` answer, in bounded pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from drmsmirror.errors import ImportDataError
from drmsmirror.model.codecs import (
    INVALID_KEY,
    MISSING_TEXT,
    arrow_type,
    cast_numbers,
    codec_of,
    fit_values,
)
from drmsmirror.model.series import Column, SeriesDefinition
from drmsmirror.model.times import parse_times
from drmsmirror.model.types import MISSING_TIME, KeywordType
from drmsmirror.records import axis_seconds, type_records
from drmsmirror.upstream.answers import read_recorded

__all__ = ["Chunk", "RecordFile"]

_ROWS = 50_000
_DAY = 86400.0
_RECORD_NUMBERS = ("recnum", "sunum", "slotnum")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file.

    Parameters
    ----------
    rows : pyarrow.Table
        Columns named by key, as text or typed.
    largest_recnum : int
        Largest record number among them; 0 where there are none.
    is_last : bool
        Whether the file ends with them.
    """

    rows: pa.Table
    largest_recnum: int
    is_last: bool


@dataclass(frozen=True)
class RecordFile:
    """A file of records of one series.

    Parameters
    ----------
    definition : SeriesDefinition
    path : Path
    rows : int
        How many records it has.
    names : dict of str to str
        By column of the file, the key or number that it holds.
    ignored : tuple of str
        Columns of the file that are none of the series.
    formats : mapping of str to str
        By keyword, the codec formats that are known besides those of the definition.
    """

    definition: SeriesDefinition
    path: Path
    rows: int
    names: dict[str, str]
    ignored: tuple[str, ...]
    formats: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        definition: SeriesDefinition,
        path: Path,
        formats: Mapping[str, str] | None = None,
    ) -> RecordFile:
        """Look into a file: what columns it has, and how many records.

        Parameters
        ----------
        definition : SeriesDefinition
        path : Path
        formats : mapping of str to str, optional
            As above.

        Raises
        ------
        ImportDataError
            It cannot be read as what its name says, or a prime key has no column.
        """
        columns, rows = _outline(path)
        names, ignored = _assign(definition, columns)
        given = {name.lower() for name in names.values()}
        absent = [key for key in definition.prime_keys if key.lower() not in given]
        if absent:
            raise ImportDataError(
                f"{path} has no column for the prime key {absent[0]} of {definition.name}; "
                f"its columns are {', '.join(columns[:20]) or 'none'}"
            )
        return cls(definition, path, rows, names, ignored, formats or {})

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the record table that the file fills; slot indices follow their keyword."""
        given = {
            column.name
            for name in self.names.values()
            if (column := self.definition.column(name)) is not None
        }
        return frozenset(given | set(self.definition.internal_prime_keys))

    @property
    def has_recnums(self) -> bool:
        """Whether the upstream's record numbers are in it."""
        return "recnum" in self.names.values()

    @property
    def written_utc(self) -> datetime:
        """When the file was last written: its records are not younger."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def chunks(self) -> Iterator[Chunk]:
        """The records, piece by piece.

        Raises
        ------
        ImportDataError
            A value is none of its keyword's type, or a record number is absent.
        """
        seen = 0
        for raw in _read(self.path):
            rows = self._prepared(raw, seen)
            seen += rows.num_rows
            yield Chunk(rows, self._largest_recnum(rows, seen), is_last=seen >= self.rows)

    @property
    def identity(self) -> tuple[str, ...]:
        """Columns by which its records are told apart: the number, or the prime keys without it."""
        numbered = "recnum" in self.names.values()
        return ("recnum",) if numbered else self.definition.internal_prime_keys

    def identities(self) -> Iterator[pa.Table]:
        """The columns of :attr:`identity`, piece by piece; none where there are no such columns.

        The whole file is read to the end, so that nothing is wrong with it once they were read.

        Raises
        ------
        ImportDataError
            As for :meth:`chunks`.
        """
        needed = {*self.identity, *(key.lower() for key in self.definition.prime_keys)}
        for chunk in self.chunks():
            if not self.identity:
                continue
            names = {name: self.definition.column(name) for name in chunk.rows.column_names}
            given = [name for name, c in names.items() if (c.name if c else name) in needed]
            typed = type_records(self.definition, chunk.rows.select(given), {})
            yield typed.rows.select(self.identity)

    def days(self) -> float:
        """Length of the part of the time axis on which the records lie; 0 where there is none.

        Raises
        ------
        ImportDataError
            A value of the axis is no time.
        """
        key = self.definition.axis.keyword
        ends = [*self._ends(key)] if key else []
        return (max(ends) - min(ends)) / _DAY if ends else 0.0

    def _ends(self, key: str) -> Iterator[float]:
        """Smallest and largest time of each piece of the file, seconds."""
        name = next(name for name, holds in self.names.items() if holds == key)
        seen = 0
        for raw in _read(self.path, [name]):
            column = pa.table({key: self._column(key, raw[name].combine_chunks(), seen)})
            seen += raw.num_rows
            rows = type_records(self.definition, column, {}).rows
            positions = rows[self.definition.axis.column].to_numpy()
            seconds = axis_seconds(self.definition, positions)
            known = seconds[np.isfinite(seconds)]
            if len(known):
                yield from (float(known.min()), float(known.max()))

    def _prepared(self, raw: pa.Table, before: int) -> pa.Table:
        arrays = {
            key: self._column(key, raw[name].combine_chunks(), before)
            for name, key in self.names.items()
        }
        return pa.table(arrays)

    def _column(self, key: str, values: pa.Array, before: int) -> pa.Array:
        column = self.definition.column(key)
        if not pa.types.is_string(values.type):
            return self._typed(key, column, values, before)
        if column is None:
            return self._cast(key, values, pa.int64(), before)
        if column.type is KeywordType.TIME:
            return self._times(key, values, before)
        if column.type is KeywordType.STRING:
            return _as_printed(values)
        if column.keyword.format is None:
            self._cast(key, values, arrow_type(column.type), before)
            return _as_printed(values)
        return self._cast(key, values, arrow_type(column.type), before)

    def _typed(self, key: str, column: Column | None, values: pa.Array, before: int) -> pa.Array:
        """Values that are no texts, in the type of their keyword; record numbers have none."""
        target = pa.int64() if column is None else arrow_type(column.type)
        codec = codec_of(column.keyword, self.formats.get(column.keyword.name)) if column else None
        as_bits = codec is not None and codec.shows_bits
        fitted = fit_values(values, target, as_bits=as_bits)
        wrong = np.asarray(pc.indices_nonzero(pc.and_(pc.is_null(fitted), pc.is_valid(values))))
        wanted = str(target)
        if len(wrong) and pa.types.is_integer(target) and not as_bits:
            first = values.slice(int(wrong[0]), 1)
            if not fit_values(first, target, as_bits=True).null_count:
                wanted += "; bits are taken where x_formats of the definition says 0x%08X, say"
        self._refuse_first(key, values, wrong, wanted, before)
        return fitted

    def _times(self, key: str, values: pa.Array, before: int) -> pa.Array:
        """Texts as they are, unless they are seconds of the DRMS epoch."""
        values = _without_missing_times(values)
        blank = _is_blank(values)
        present = values.filter(pc.invert(blank))
        if len(present) and _NUMBER.fullmatch(present[0].as_py()):
            return self._cast(key, values, pa.float64(), before)
        _, are_times = parse_times(pc.if_else(blank, "1977.01.01_TAI", values))
        self._refuse_first(key, values, np.flatnonzero(~are_times), "DRMS time", before)
        return _as_printed(values)

    def _cast(self, key: str, values: pa.Array, type_: pa.DataType, before: int) -> pa.Array:
        """Numbers; null where the file has nothing or ``MISSING``."""
        blank = _is_blank(values)
        given = pc.if_else(blank, pa.scalar(None, pa.string()), pc.utf8_trim_whitespace(values))
        numbers = cast_numbers(given, type_)
        wrong = pc.indices_nonzero(pc.and_(pc.is_null(numbers), pc.invert(blank)))
        self._refuse_first(key, values, np.asarray(wrong), str(type_), before)
        return numbers

    def _refuse_first(
        self, key: str, values: pa.Array, wrong: np.ndarray, wanted: str, before: int
    ) -> None:
        """Name the first record with a value that is none of its keyword's."""
        if len(wrong):
            row = int(wrong[0])
            raise ImportDataError(
                f"{self.path}, record {before + row + 1}: {key} is {values[row].as_py()!r}, "
                f"which is no {wanted}"
            )

    def _largest_recnum(self, rows: pa.Table, before: int) -> int:
        if "recnum" not in rows.column_names:
            return 0
        numbers = rows["recnum"]
        if numbers.null_count:
            raise ImportDataError(f"{self.path} has a record without recnum before row {before}")
        return int(pc.max(numbers).as_py() or 0)


def _as_printed(values: pa.Array) -> pa.Array:
    """Texts as DRMS prints them: what is blank is missing."""
    is_shown = pc.equal(pc.fill_null(values, ""), INVALID_KEY)
    return pc.if_else(pc.and_not(_is_blank(values), is_shown), MISSING_TEXT, values)


def _without_missing_times(values: pa.Array) -> pa.Array:
    """Null where DRMS's missing time stands, as seconds or as a date, however rounded."""
    rows = pc.indices_nonzero(pc.fill_null(pc.starts_with(values, "-"), False))
    words = values.take(rows)
    times, _ = parse_times(words)
    seconds = pc.fill_null(cast_numbers(words, pa.float64()), np.nan).to_numpy()
    near = np.abs(np.fmax(times, seconds) - MISSING_TIME) < _DAY  # where no record can be
    missing = np.zeros(len(values), dtype=np.bool_)
    missing[rows.to_numpy()[near]] = True
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), values)


def _is_blank(values: pa.Array) -> pa.Array:
    """What stands for no value; a link that leads nowhere is kept as its text."""
    blank = pc.is_in(values, value_set=pa.array(["", MISSING_TEXT, INVALID_KEY]))
    return pc.or_(blank, pc.is_null(values))


def _assign(
    definition: SeriesDefinition, columns: list[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """By column of the file what it holds, and the columns that hold nothing of the series."""
    names, ignored = {}, []
    for name in columns:
        column: Column | None = definition.column(name)
        if name.lower().strip("*") in _RECORD_NUMBERS:
            names[name] = name.lower().strip("*")
        elif column is not None:
            names[name] = column.key
        else:
            ignored.append(name)
    twice = [key for key, times in Counter(names.values()).items() if times > 1]
    if twice or len(set(columns)) < len(columns):
        raise ImportDataError(f"Two columns are named {twice[0] if twice else 'alike'}; leave one")
    return names, tuple(ignored)


def _outline(path: Path) -> tuple[list[str], int]:
    """Columns and number of records of a file."""
    if path.suffix.lower() == ".parquet":
        try:
            parquet = pa_parquet.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise ImportDataError(f"{path} is no Parquet file: {error}") from None
        return parquet.schema_arrow.names, parquet.metadata.num_rows
    pieces = list(_read(path)) if path.suffix.lower() == ".json" else _read(path)
    columns: list[str] = []
    rows = 0
    for piece in pieces:
        columns = piece.column_names
        rows += piece.num_rows
    return columns, rows


def _read(path: Path, only: list[str] | None = None) -> Iterator[pa.Table]:
    """The file in pieces, or some columns of it; text columns as text."""
    kind = path.suffix.lower()
    try:
        if kind == ".parquet":
            for batch in pa_parquet.ParquetFile(path).iter_batches(_ROWS, columns=only):
                yield _plain_strings(pa.table(batch))
        elif kind == ".csv":
            yield from _read_csv(path, only)
        elif kind == ".json":
            whole = read_recorded(path.read_bytes(), str(path))
            yield whole if only is None else whole.select(only)
        else:
            raise ImportDataError(f"{path}: a file to import ends in .csv, .parquet or .json")
    except (pa.ArrowInvalid, OSError) as error:
        raise ImportDataError(f"{path} cannot be read: {error}") from error


def _read_csv(path: Path, only: list[str] | None) -> Iterator[pa.Table]:
    """Every column as text: what a value is, its keyword says and not its looks."""
    with path.open("rb") as stream:
        names = pa_csv.open_csv(stream).schema.names
    options = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=False,
        include_columns=only,
    )
    with pa_csv.open_csv(path, convert_options=options) as reader:
        is_empty = True
        for batch in reader:
            is_empty = False
            yield pa.table(batch)
        if is_empty:
            yield reader.schema.empty_table()


def _plain_strings(table: pa.Table) -> pa.Table:
    """Large, view and dictionary strings as plain ones."""
    fields = [
        pa.field(field.name, pa.string() if _is_text(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _is_text(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return any(is_kind(type_) for is_kind in kinds)
