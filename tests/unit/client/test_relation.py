"""The lazy relation: asked when it is wanted, typed, in batches, in every form."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import drms
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.client import Answer, Client, Source
from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.relation import Relation
from drmsmirror.errors import MissingLibraryError, NotHeldError, QueryError, RecordSetError
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from tests.unit.sync.mirrors import Copy, asked, truth

KEYS = ["T_REC", "DATE", "CAMERA", "DATARMS", "QUALITY", "*recnum*"]
WHOLE = "hmi.M_45s"

DEFINITION = SeriesDefinition(
    "test.made",
    keywords=(
        Keyword("T", KeywordType.TIME, units="TAI"),
        Keyword("N", KeywordType.INT, note="How many"),
        Keyword("FLUX", KeywordType.FLOAT, units="Maxwell"),
        Keyword("SIZE", KeywordType.DOUBLE, units="Percentage of Total"),
        Keyword("NAME", KeywordType.STRING, units="none"),
    ),
)
ROWS = PrintedRows(
    T=["2017.01.01_00:00:37.25_TAI", "MISSING"],
    N=["1", "MISSING"],
    FLUX=["1e+22", "MISSING"],
    SIZE=["1.5", "2.5"],
    NAME=["a", "MISSING"],
)


class Asked:
    """Answers, and notes how often it was asked and how many batches were taken."""

    def __init__(self, batches: int = 1) -> None:
        self.times = 0
        self.taken = 0
        self._batches = batches

    def __call__(self) -> Answer:
        self.times += 1
        now = datetime(2026, 1, self.times, tzinfo=UTC)
        return Answer(DEFINITION, tuple(ROWS), self._rows(), Source.LOCAL, True, now)

    def _rows(self) -> Iterator[PrintedRows]:
        for _ in range(self._batches):
            self.taken += 1
            yield ROWS


def made() -> Relation:
    return Relation("test.made", Asked())


# ---------------------------------------------------------------- asking


def test_nothing_is_asked_before_something_is_wanted(held: Copy) -> None:
    held.jsoc.clear_requests()
    with Client(held.settings, policy="remote") as client:
        relation = client.scan(f"{WHOLE}[$]", "T_REC")
        rows = relation.batches()
        assert repr(relation) == "<Relation: hmi.M_45s[$], not asked yet>"
        assert asked(held.jsoc) == []
        assert next(rows).num_rows == 1
        assert repr(relation) == "<Relation: hmi.M_45s[$], remote answer>"
    with Client(held.settings) as client:
        wrong = client.scan("hmi.M_45s[")
        with pytest.raises(RecordSetError):
            wrong.df()


def test_facts_and_rows_are_of_one_answer_and_rows_are_asked_for_each_time() -> None:
    ask = Asked()
    relation = Relation("test.made", ask)
    assert (relation.source, relation.complete, relation.as_of.day) == (Source.LOCAL, True, 1)
    assert relation.schema().names == list(ROWS)
    assert relation.arrow().num_rows == 2
    assert (ask.times, relation.as_of.day) == (1, 1)
    assert relation.arrow().num_rows == 2
    assert (ask.times, relation.as_of.day) == (2, 2)


def test_reading_the_answer_takes_no_rows_from_the_tables() -> None:
    ask = Asked()
    relation = Relation("test.made", ask)
    answer = relation.answer
    assert answer.as_of == answer.as_of_utc == relation.as_of
    assert answer.texts() == ROWS
    assert len(relation.df()) == 2
    assert ask.times == 2


def test_batches_are_taken_as_they_are_read() -> None:
    ask = Asked(batches=100)
    rows = Relation("test.made", ask).batches()
    next(rows)
    assert ask.taken == 1
    next(rows)
    assert ask.taken == 2
    reader = Relation("test.made", ask).reader()
    reader.read_next_batch()
    assert ask.taken <= 4
    assert sum(batch.num_rows for batch in reader) == 198


def test_an_error_on_the_way_comes_through_every_form() -> None:
    def rows() -> Iterator[PrintedRows]:
        yield ROWS
        raise NotHeldError("The rest is gone")

    relation = Relation("test.made", lambda: replace(Asked()(), batches=rows()))
    for read in (relation.arrow, relation.df, lambda: list(relation.batches())):
        with pytest.raises(NotHeldError) as caught:
            read()
        assert isinstance(caught.value, drms.DrmsQueryError)
    with pytest.raises(NotHeldError, match="The rest is gone"):
        relation.reader().read_all()


def test_what_else_an_answer_takes_is_passed_on(held: Copy) -> None:
    class Noting(Client):
        def answer(self, ds, keys, **terms):
            self.noted = terms
            return super().answer(ds, keys, n=terms["n"])

    with Noting(held.settings, policy="offline") as client:
        assert len(client.scan(WHOLE, ["T_REC"], n=3, wait=False).df()) == 3
        assert client.noted == {"n": 3, "wait": False}


def test_times_that_are_neither_are_refused_before_anything_is_asked() -> None:
    ask = Asked()
    with pytest.raises(QueryError, match="text or tai"):
        Relation("test.made", ask).batches(times="utc")
    assert ask.times == 0


# ---------------------------------------------------------------- forms


def test_all_keywords_are_scanned_by_default(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        frame = client.scan(f"{WHOLE}[$]").df()
        assert list(frame.columns) == list(client.query(f"{WHOLE}[$]", key="**ALL**").columns)


@pytest.mark.parametrize("times", ["text", "tai"])
def test_the_mirror_and_the_upstream_give_the_same_table(held: Copy, times: str) -> None:
    with (
        Client(held.settings, policy="offline") as offline,
        Client(held.settings, policy="remote") as remote,
    ):
        local, asked_for = offline.scan(WHOLE, KEYS), remote.scan(WHOLE, KEYS)
        table = local.arrow(times)
        assert table.equals(asked_for.arrow(times), check_metadata=True)
        assert (local.source, asked_for.source) == (Source.LOCAL, Source.REMOTE)
        for form in (
            local.reader(times).read_all(),
            pa.table(pa.Table.from_batches(local.batches(times))),
        ):
            assert form.equals(table)


def test_a_scan_holds_what_the_upstream_prints(held: Copy) -> None:
    texts = truth(held.jsoc, WHOLE, KEYS)
    with Client(held.settings, policy="offline") as client:
        frame = client.scan(WHOLE, KEYS).df()
        clocks = client.scan(WHOLE, KEYS).df(times="tai")
    assert [str(dtype) for dtype in frame.dtypes] == [
        "string", "string", "Int64", "float64", "Int64", "Int64",
    ]  # fmt: skip
    assert frame["CAMERA"].tolist() == [int(text) for text in texts["CAMERA"]]
    missing = [text == "MISSING" for text in texts["DATARMS"]]
    assert any(missing)
    assert frame["DATARMS"].isna().tolist() == missing
    assert frame["QUALITY"].tolist() == [int(text, 16) for text in texts["QUALITY"]]
    assert frame["T_REC"].fillna("MISSING").tolist() == texts["T_REC"]
    assert clocks["T_REC"].dtype == np.dtype("datetime64[us]")
    pd.testing.assert_series_equal(
        clocks["T_REC"],
        drms.to_datetime(texts["T_REC"]).astype("datetime64[us]"),
        check_names=False,
    )
    assert (frame.attrs["units"]["T_REC"], clocks.attrs["time_scale"]) == ("TAI", "TAI")
    assert "time_scale" not in frame.attrs


def test_no_rows_have_the_same_types(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        some, none = (client.scan(f"{WHOLE}[{day}]", KEYS) for day in ("$", "1999.01.01_TAI"))
        assert none.arrow("tai").schema.equals(some.arrow("tai").schema)
        assert (len(none.df()), list(none.df().dtypes)) == (0, list(some.df().dtypes))


def test_units_and_notes_reach_a_parquet_file(tmp_path) -> None:
    relation = made()
    with pq.ParquetWriter(tmp_path / "made.parquet", relation.schema()) as writer:
        for batch in relation.batches():
            writer.write_batch(batch)
    field = pq.read_schema(tmp_path / "made.parquet").field("FLUX")
    assert field.metadata[b"units"] == b"Maxwell"


def test_polars() -> None:
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    frame = made().pl(times="tai")
    assert frame.schema == {
        "T": polars.Datetime("us"), "N": polars.Int64, "FLUX": polars.Float64,
        "SIZE": polars.Float64, "NAME": polars.String,
    }  # fmt: skip
    assert frame.row(1) == (None, None, None, 2.5, None)


def test_an_astropy_table_has_units_masks_and_times() -> None:
    pytest.importorskip("astropy", reason="Astropy is not installed")
    from astropy import units
    from astropy.time import Time

    table = made().table(times="tai")
    assert table.meta["series"] == "test.made"
    assert isinstance(table["T"], Time)
    assert (table["T"].scale, table["T"][0].utc.isot) == ("tai", "2017-01-01T00:00:00.250")
    assert table["T"].mask.tolist() == [False, True]
    assert table["FLUX"].unit.to(units.Wb) == pytest.approx(1e-8)
    assert (table["FLUX"][0], table["FLUX"].mask.tolist()) == (1e22, [False, True])
    assert str(table["SIZE"].unit) == "Percentage of Total"
    assert not hasattr(table["SIZE"], "mask")
    assert (table["N"].dtype, table["N"].mask.tolist()) == (np.int64, [False, True])
    assert table["N"].description == "How many"
    assert (table["NAME"].unit, table["NAME"].tolist()) == (None, ["a", None])
    assert made().table()["T"].tolist() == ["2017.01.01_00:00:37.25_TAI", None]


def test_an_astropy_time_keeps_microseconds_over_decades() -> None:
    pytest.importorskip("astropy", reason="Astropy is not installed")
    texts = ["1958.01.01_00:00:00.000001_TAI", "2049.12.31_23:59:59.999999_TAI"]
    rows = iter([PrintedRows(T=texts)])
    answer = Answer(DEFINITION, ("T",), rows, Source.LOCAL, True, datetime.now(UTC))
    times = Relation("test.made", lambda: answer).table("tai")["T"]
    times.precision = 6
    assert times.isot.tolist() == ["1958-01-01T00:00:00.000001", "2049-12-31T23:59:59.999999"]


@pytest.mark.parametrize(("form", "library"), [("pl", "polars"), ("table", "astropy")])
def test_a_library_that_is_not_there_is_named_with_the_command_that_gets_it(
    form: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=rf"pip install 'drmsmirror\[{library}\]'"):
        getattr(made(), form)()
