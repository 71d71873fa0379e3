"""A question that is asked when its rows are wanted, in the form in which they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from drmsmirror.client.columns import Times, TypedColumns
from drmsmirror.client.stockerrors import raises_as_stock

if TYPE_CHECKING:
    import pandas as pd
    import polars
    import pyarrow as pa
    from astropy.table import Table

    from drmsmirror.client.answer import Answer, Source
    from drmsmirror.client.batches import Batch

__all__ = ["Relation"]


@raises_as_stock
class Relation:
    """Records of a record set, not asked for yet.

    Nobody is asked anything before a method or a property of this is used. The facts of an answer
    (:attr:`source`, :attr:`complete`, :attr:`as_of`) can be had before its rows; whoever wants the
    rows a second time asks a second time, and the facts are those of the last answer.

    Parameters
    ----------
    text : str
        The record set, to be shown.
    ask : callable
        Gives an answer.

    Notes
    -----
    ``times`` says what time keywords become: ``text``, as DRMS prints them, or ``tai``, what a TAI
    clock showed, to the microsecond. No library of tables knows the scale TAI, except Astropy,
    where they are :class:`astropy.time.Time`: elsewhere they are times without a zone, and metadata
    of the column say ``TAI``. They are never marked as UTC, from which they differ by 37 seconds
    since 2017.
    """

    def __init__(self, text: str, ask: Callable[[], Answer]) -> None:
        self._text = text
        self._ask = ask
        self._last: Answer | None = None
        self._is_unread = False

    def __repr__(self) -> str:
        state = "not asked yet" if self._last is None else f"{self._last.source} answer"
        return f"<Relation: {self._text}, {state}>"

    # -- facts ------------------------------------------------------------------------------------

    @property
    def answer(self) -> Answer:
        """The printed values, with where they came from."""
        return replace(self._known(), batches=self._texts())

    @property
    def source(self) -> Source:
        """Who answered."""
        return self._known().source

    @property
    def complete(self) -> bool:
        """Whether these are all the records that there were at :attr:`as_of`."""
        return self._known().complete

    @property
    def missing(self) -> str:
        """Where it is not complete: what it lacks, and how to get that."""
        return self._known().missing

    @property
    def as_of(self) -> datetime:
        """The moment of which the answer speaks, UTC."""
        return self._known().as_of_utc

    def schema(self, times: str = "text") -> pa.Schema:
        """Names and types of the columns; metadata tell the units, notes and types of DRMS."""
        return self._columns(self._known(), times).schema

    # -- rows, a batch at a time ------------------------------------------------------------------

    def batches(self, times: str = "text") -> Iterator[pa.RecordBatch]:
        """The rows as Arrow record batches, as they come.

        Parameters
        ----------
        times : {'text', 'tai'}
        """
        wanted = Times.of(times)

        def typed() -> Iterator[pa.RecordBatch]:
            answer = self._unread()
            yield from map(self._columns(answer, wanted).batch, answer.batches)

        return typed()

    def reader(self, times: str = "text") -> pa.RecordBatchReader:
        """The same for what reads Arrow: DuckDB, Polars, a Parquet writer.

        Parameters
        ----------
        times : {'text', 'tai'}
        """
        import pyarrow as pa

        answer = self._unread()
        columns = self._columns(answer, times)
        return pa.RecordBatchReader.from_batches(columns.schema, map(columns.batch, answer.batches))

    # -- all rows ---------------------------------------------------------------------------------

    def arrow(self, times: str = "text") -> pa.Table:
        """All rows as an Arrow table.

        Parameters
        ----------
        times : {'text', 'tai'}
        """
        import pyarrow as pa

        answer = self._unread()
        columns = self._columns(answer, times)
        return pa.Table.from_batches(map(columns.batch, answer.batches), columns.schema)

    def df(self, times: str = "text") -> pd.DataFrame:
        """All rows as a pandas table: whole numbers stay whole where some are missing.

        Parameters
        ----------
        times : {'text', 'tai'}

        Returns
        -------
        pandas.DataFrame
            ``Int64`` (missing: NA), ``float64`` (NaN), ``string`` (NA) and, for clocks,
            ``datetime64[us]`` (NaT). ``attrs`` has ``units`` by column and, for clocks,
            ``time_scale``.
        """
        from drmsmirror.client.tables import as_pandas

        return as_pandas(self.arrow(times))

    def pl(self, times: str = "text") -> polars.DataFrame:
        """All rows as a Polars table.

        Parameters
        ----------
        times : {'text', 'tai'}

        Raises
        ------
        MissingLibraryError
            Polars is not installed.
        """
        from drmsmirror.client.tables import as_polars

        return as_polars(self.arrow(times))

    def table(self, times: str = "text") -> Table:
        """All rows as an Astropy table with units and notes.

        Parameters
        ----------
        times : {'text', 'tai'}
            With ``tai`` time keywords are :class:`astropy.time.Time` of scale ``tai``.

        Returns
        -------
        astropy.table.Table
            A column with missing values is masked. Units are those of the definition; ``none`` is
            no unit, and one that Astropy does not know keeps its name.

        Raises
        ------
        MissingLibraryError
            Astropy is not installed.
        """
        from drmsmirror.client.tables import as_astropy

        return as_astropy(self.arrow(times))

    def _columns(self, answer: Answer, times: str) -> TypedColumns:
        return TypedColumns.of(answer.definition, answer.keys, Times.of(times))

    def _texts(self) -> Iterator[Batch]:
        yield from self._unread().batches

    def _known(self) -> Answer:
        """The last answer; the first one, where there was none."""
        if self._last is None:
            self._last = self._ask()
            self._is_unread = True
        return self._last

    def _unread(self) -> Answer:
        """An answer whose rows nobody has read; the caller is going to."""
        if not self._is_unread:
            self._last = None
        answer = self._known()
        self._is_unread = False
        return answer
