"""Records of a file: taken whole, or refused before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
