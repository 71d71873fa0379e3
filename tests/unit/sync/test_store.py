"""Windows are put away: few files stay few, however long the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from drmsmirror.mirror import Mirror
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.settings import RecordSettings, Settings
from drmsmirror.sync.adopting import adopt_definition
from drmsmirror.sync.store import WindowStore

SERIES = SeriesDefinition(
    "test.windows",
    keywords=(Keyword("N", KeywordType.INT), Keyword("VALUE", KeywordType.DOUBLE)),
    prime_keys=("N",),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WindowStore]:
    settings = Settings(mirror=tmp_path / "mirror", records=RecordSettings(compact_above_files=4))
    with Mirror.create(settings) as mirror, mirror.catalogue.leases.holding("series") as lease:
        adopt_definition(mirror, SERIES, "", lease)
        run = mirror.catalogue.runs.start(SERIES.name, SERIES.name)
        made = WindowStore(mirror, SERIES, run.id, lease)
        made.make_table(0, 0.0)
        yield made


def window(number: int) -> pa.Table:
    texts = {"N": [str(number)], "VALUE": [f"{number}.5"]}
    return pa.table({"*recnum*": pa.array([number])} | texts)


def test_the_windows_of_a_long_run_do_not_pile_up_as_files(store: WindowStore) -> None:
    most = 0
    for number in range(1, 41):
        store.keep(window(number), [])
        most = max(most, len(store.table.files()))
    assert most <= 2 * 4
    assert store.table.row_count() == 40


def test_what_a_run_leaves_is_compacted_at_its_end(store: WindowStore) -> None:
    for number in range(1, 8):
        store.keep(window(number), [])
    assert len(store.table.files()) == 7
    store.finish()
    assert len(store.table.files()) == 1
    held = store.mirror.catalogue.state(SERIES.name)
    assert held.table_version == store.table.version
    assert held.watermark is None
