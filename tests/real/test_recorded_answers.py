"""What JSOC once sent goes through the upstream client into a mirror and comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drmsmirror.catalogue import RunOutcome
from drmsmirror.client import Client, Source
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.sync import import_records
from drmsmirror.sync.adopting import adopt_additions
from drmsmirror.sync.store import WindowStore
from drmsmirror.upstream import Jsoc
from tests.jsoc import SampleJsoc
from tests.real.conftest import RECORDED_KEYS, at_full_speed, everything, sharp_like

_CAPTURE = "jsoc-recorded/sample/1715300813"


def test_every_recorded_record_reads_back_with_identical_text(
    recorded: Path, mirror: Mirror, sharp_nrt: SeriesDefinition
) -> None:
    answers = _recorded_answers(recorded / _CAPTURE)
    assert len(answers) == 9

    with SampleJsoc() as jsoc:
        jsoc.replay(recorded / _CAPTURE)
        upstream = Jsoc(mirror.settings.upstream.model_copy(update=at_full_speed(jsoc.url)))
        listed = [upstream.records(query, RECORDED_KEYS).table for query in answers]
    _keep(mirror, sharp_nrt, listed)

    with Client(mirror.settings, policy="offline") as client:
        for query, sent in answers.items():
            answer = client.answer(query, RECORDED_KEYS)
            assert answer.source is Source.LOCAL
            assert answer.texts() == sent


def test_a_year_of_recorded_records_imports_and_reads_back_with_identical_text(
    recorded: Path, mirror: Mirror, sharp_nrt: SeriesDefinition
) -> None:
    file = recorded / "jsoc-recorded/sharp_720s_nrt_records.parquet"

    report = import_records(mirror, sharp_nrt, file, covers="all")

    _assert_reads_back(mirror, sharp_nrt, pq.read_table(file), report.records_new)


def test_the_exact_strings_of_sharp_cea_import_and_read_back(
    recorded: Path, mirror: Mirror
) -> None:
    file = recorded / "sharp-cea/sharp_cea_720s_17keys.parquet"
    sent = pq.read_table(file)
    definition = sharp_like("hmi.sharp_cea_720s", tuple(sent.column_names[2:]))

    report = import_records(mirror, definition, file, covers="all")

    _assert_reads_back(mirror, definition, sent, report.records_new)


def _recorded_answers(folder: Path) -> dict[str, dict[str, list[str]]]:
    """By query, the values of each key as they were sent."""
    answers = {}
    for file in sorted(folder.glob("hmi_sharp_720s_nrt*.html")):
        body = json.loads(file.read_bytes())
        harp = file.stem.partition("[")[2]
        answers[f"hmi.sharp_720s_nrt[{harp}[]"] = {
            column["name"]: column["values"] for column in body["keywords"]
        }
    return answers


def _keep(mirror: Mirror, definition: SeriesDefinition, tables: list[pa.Table]) -> None:
    """Store tables as a sync does, and state that all of the series is held."""
    catalogue = mirror.catalogue
    adopt_additions(mirror, definition, "")
    with catalogue.leases.holding("series") as lease:
        run = catalogue.runs.start(definition.name, definition.name)
        store = WindowStore(mirror, definition, run.id, lease)
        store.make_table(0, 0.0)
        for table in tables:
            store.keep(table, [everything(definition)])
        catalogue.runs.finish(run.id, RunOutcome.DONE)


def _assert_reads_back(
    mirror: Mirror, definition: SeriesDefinition, sent: pa.Table, records_new: int
) -> None:
    order = [("HARPNUM", "ascending"), ("T_REC", "ascending")]
    numbers = sent["HARPNUM"].cast(pa.int64())
    ordered = sent.set_column(sent.schema.get_field_index("HARPNUM"), "HARPNUM", numbers)
    ordered = ordered.sort_by(order)
    with Client(mirror.settings, policy="offline") as client:
        texts = client.answer(definition.name, sent.column_names).texts()
    assert records_new == sent.num_rows
    for name in sent.column_names:
        assert texts[name] == [str(value) for value in ordered[name].to_pylist()], name
