"""Records of a file: taken whole, or refused before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.client import Client
from drmsmirror.errors import ImportDataError, NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.settings import RecordSettings, Settings
from drmsmirror.sync import import_records

SERIES = SeriesDefinition(
    "test.imported",
    keywords=(Keyword("N", KeywordType.INT), Keyword("NAME", KeywordType.STRING)),
    prime_keys=("N",),
)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    settings = Settings(mirror=tmp_path / "mirror", records=RecordSettings(compact_above_files=2))
    with Mirror.create(settings) as made:
        yield made


def test_an_import_leaves_few_files(mirror: Mirror, tmp_path: Path) -> None:
    for number in range(4):
        file = tmp_path / f"{number}.csv"
        file.write_text(f"recnum,N,NAME\n{number + 1},{number},a\n")
        import_records(mirror, SERIES, file)
    table = mirror.table(SERIES)
    assert table.row_count() == 4
    assert len(table.files()) <= 2


#: Records that are read in several pieces: a piece has at most 50,000.
MANY = 60_000


def write(file: Path, **columns: list[int]) -> Path:
    rows = len(next(iter(columns.values())))
    pq.write_table(pa.table(columns | {"NAME": ["a"] * rows}), file)
    return file


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"N": [*range(MANY), 7]}, "records 8 and 60001 have the same prime keys"),
        ({"N": [0, 1, 1]}, "records 2 and 3 have the same prime keys"),
        (
            {"recnum": [*range(1, MANY), 7], "N": [*range(MANY)]},
            "records 7 and 60000 have the same recnum",
        ),
        ({"recnum": [5, 5], "N": [1, 1]}, "records 1 and 2 have the same recnum"),
    ],
    ids=["a key over pieces", "a key", "a number over pieces", "a number"],
)
def test_a_file_with_a_record_twice_is_refused_whole(
    columns: dict[str, list[int]], message: str, mirror: Mirror, tmp_path: Path
) -> None:
    with pytest.raises(ImportDataError, match=message):
        import_records(mirror, SERIES, write(tmp_path / "twice.parquet", **columns), covers="all")
    assert mirror.catalogue.series() == ()


def test_a_wrong_value_far_down_leaves_nothing_of_the_file(mirror: Mirror, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    lines = [f"{n},{'long ' * 500}" for n in range(1000)]
    file.write_text("\n".join(["N,NAME", *lines, "x,a", ""]))
    with pytest.raises(ImportDataError, match="record 1001: N is 'x'"):
        import_records(mirror, SERIES, file)
    assert mirror.catalogue.series() == ()


@pytest.mark.parametrize("prime_keys", [("N",), ()], ids=["with a prime key", "without"])
def test_a_typed_value_out_of_range_leaves_nothing_of_the_file(
    prime_keys: tuple[str, ...], mirror: Mirror, tmp_path: Path
) -> None:
    series = replace(SERIES, prime_keys=prime_keys)
    file = write(tmp_path / "wrong.parquet", N=[*range(MANY), 2**31])
    with pytest.raises(ImportDataError, match=f"{file}, record {MANY + 1}: N is 2147483648"):
        import_records(mirror, series, file)
    assert mirror.catalogue.series() == ()


def test_bits_of_a_keyword_whose_format_was_learnt_are_taken(
    mirror: Mirror, tmp_path: Path
) -> None:
    flagged = replace(SERIES, keywords=(*SERIES.keywords, Keyword("QUALITY", KeywordType.INT)))
    (tmp_path / "first.csv").write_text("N,NAME,QUALITY\n1,a,0x00000400\n2,a,0x80000000\n")
    import_records(mirror, flagged, tmp_path / "first.csv")
    file = write(tmp_path / "more.parquet", N=[3, 4], QUALITY=[0x80010000, 0x80000000])
    import_records(mirror, flagged, file, covers="all")
    with Client(mirror.settings, policy="offline") as client:
        texts = client.answer("test.imported", ["QUALITY"]).texts()
    assert texts["QUALITY"] == ["0x00000400", "0x80000000", "0x80010000", "0x80000000"]


def test_texts_are_kept_as_they_are_where_a_format_was_learnt(
    mirror: Mirror, tmp_path: Path
) -> None:
    file = tmp_path / "texts.csv"
    file.write_text("N,NAME\n01,a\n2,b\n")
    import_records(mirror, SERIES, file, covers="all", learnt={"N": "%02d"})
    with Client(mirror.settings, policy="offline") as client:
        assert client.answer("test.imported", ["N"]).texts()["N"] == ["01", "2"]
        struct = client.struct("test.imported")
    assert (struct["x_formats"], struct["x_learnt"]) == ({"N": "%02d"}, ["N"])
    assert mirror.catalogue.definition("test.imported") == SERIES


def test_records_that_say_what_numbered_ones_say_are_not_held_twice(
    mirror: Mirror, tmp_path: Path
) -> None:
    valued = replace(SERIES, keywords=(*SERIES.keywords, Keyword("F", KeywordType.FLOAT)))
    numbered, plain, other = (tmp_path / f"{name}.csv" for name in ("numbered", "plain", "other"))
    numbered.write_text("recnum,N,NAME,F\n5,1,a,1.5\n6,2,b,MISSING\n4,1,old,1.5\n")
    plain.write_text("N,F\n1,1.5\n2,MISSING\n")
    other.write_text("N,NAME,F\n1,old,1.5\n2,b,MISSING\n3,c,0.5\n")

    def imported(file: Path) -> tuple[int, int, int]:
        report = import_records(mirror, valued, file)
        return report.records_new, report.records_revised, report.records_unchanged

    assert imported(numbered) == (3, 0, 0)
    assert imported(plain) == (0, 0, 2)
    assert mirror.catalogue.state("test.imported").rows_held == 3
    # what differs from the latest version is kept, and then is a record of its own, which does
    # not show beside the numbered one
    assert imported(other) == (1, 0, 2)
    assert mirror.catalogue.state("test.imported").rows_held == 5
    assert imported(other) == (0, 0, 3)
    other.write_text("N,NAME,F\n1,a,1.5\n")
    assert imported(other) == (0, 0, 1)
    assert mirror.catalogue.state("test.imported").rows_held == 6
    assert imported(other) == (0, 0, 1)
    assert mirror.catalogue.state("test.imported").rows_held == 6


def test_versions_of_a_record_are_told_apart_by_their_number(
    mirror: Mirror, tmp_path: Path
) -> None:
    file = tmp_path / "versions.csv"
    file.write_text("recnum,N,NAME\n5,1,new\n4,1,old\n")
    report = import_records(mirror, SERIES, file, covers="all")
    assert report.records_new == 2
    with Client(mirror.settings, policy="offline") as client:
        assert client.answer(SERIES.name, ["*recnum*", "NAME"]).texts() == {
            "*recnum*": [5],
            "NAME": ["new"],
        }


def test_the_same_file_twice_changes_nothing(mirror: Mirror, tmp_path: Path) -> None:
    file = write(tmp_path / "many.parquet", N=[*range(MANY)])
    first = import_records(mirror, SERIES, file)
    again = import_records(mirror, SERIES, file)
    assert (first.records_new, first.records_unchanged) == (MANY, 0)
    assert (again.records_new, again.records_unchanged) == (0, MANY)


def test_a_file_with_fewer_keywords_than_are_held_completely_is_refused(
    mirror: Mirror, tmp_path: Path
) -> None:
    wide, narrow = tmp_path / "wide.csv", tmp_path / "narrow.csv"
    wide.write_text("recnum,N,NAME\n1,1,a\n")
    narrow.write_text("recnum,N\n1,1\n")
    import_records(mirror, SERIES, wide)
    import_records(mirror, SERIES, narrow)  # nothing was said of what is held completely
    import_records(mirror, SERIES, wide, covers="all")
    with pytest.raises(ImportDataError, match="no column for name"):
        import_records(mirror, SERIES, narrow)


@pytest.mark.parametrize("times", ["1977.01.01_TAI,60", "60,1977.01.01_TAI"])
def test_times_in_two_forms_are_refused(times: str, mirror: Mirror, tmp_path: Path) -> None:
    timed = replace(SERIES, keywords=(*SERIES.keywords, Keyword("DATE", KeywordType.TIME)))
    file = tmp_path / "times.csv"
    lines = [f"{number},{time}" for number, time in enumerate(times.split(","))]
    file.write_text("\n".join(["N,DATE", *lines, ""]))
    with pytest.raises(ImportDataError, match="record 2: DATE is"):
        import_records(mirror, timed, file)


VERSIONS = "recnum,N,NAME\n1,1,a\n2,1,b\n3,2,c\n"
EVERY_VERSION = "test.imported[! N < 9 !]"


def test_all_covers_every_version(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "versions.csv").write_text(VERSIONS)
    import_records(mirror, SERIES, tmp_path / "versions.csv", covers="all")
    with Client(mirror.settings, policy="offline") as client:
        assert client.query(EVERY_VERSION, key="NAME")["NAME"].tolist() == ["a", "b", "c"]
        assert client.query("test.imported", key="NAME")["NAME"].tolist() == ["b", "c"]


@pytest.mark.parametrize("covers", ["test.imported", "test.imported[1-9]"])
def test_a_record_set_covers_the_latest_versions(
    covers: str, mirror: Mirror, tmp_path: Path
) -> None:
    (tmp_path / "versions.csv").write_text(VERSIONS)
    import_records(mirror, SERIES, tmp_path / "versions.csv", covers=covers)
    with Client(mirror.settings, policy="offline") as client:
        assert client.query("test.imported[1-2]", key="NAME")["NAME"].tolist() == ["b", "c"]
        with pytest.raises(NotHeldError):
            client.query(EVERY_VERSION, key="NAME")
