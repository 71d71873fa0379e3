"""A week of a living upstream, as JSOC sent it: what is taken in reads back the same.

Regions grow in it, and one answer in twenty is empty, as the server sends it when it fails. Some
hours are replayed by default, the whole week with ``JSOC_REPLAY=all``.
"""

from __future__ import annotations

import itertools
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from drmsmirror.catalogue import RunOutcome
from drmsmirror.client import Client
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.sync.adopting import adopt_additions
from drmsmirror.sync.store import WindowStore
from drmsmirror.upstream import Jsoc
from tests.jsoc import SampleJsoc
from tests.jsoc.replay import query_of
from tests.real.conftest import RECORDED_KEYS, at_full_speed, everything

_WEEK = "jsoc-recorded/timeline_2024-05-06_to_05-13.tar.zst"
_CAPTURES = None if os.environ.get("JSOC_REPLAY") == "all" else 6

_KEYS = {
    "hmi.sharp_720s_nrt": RECORDED_KEYS,
    "hmi.mharp_720s_nrt": ("T_REC", "HARPNUM", "NOAA_ARS"),
}


def test_a_recorded_week_is_taken_in_and_reads_back_with_identical_text(
    recorded: Path, mirror: Mirror, sharp_nrt: SeriesDefinition
) -> None:
    file = recorded / _WEEK
    if not file.exists():
        pytest.skip(f"there is no {_WEEK}")
    adopt_additions(mirror, sharp_nrt, "")
    answers = failures = 0
    with SampleJsoc() as jsoc, Client(mirror.settings, policy="offline") as client:
        upstream = Jsoc(mirror.settings.upstream.model_copy(update=at_full_speed(jsoc.url)))
        for capture in itertools.islice(_captures(file), _CAPTURES):
            jsoc.replay({("rs_list", query): body for query, body in capture.items()})
            regions: dict[str, pa.Table] = {}
            for query, body in capture.items():
                answers += 1
                keys = _KEYS[query.partition("[")[0]]
                if not body:
                    failures += 1
                    with pytest.raises(UpstreamAnswerError):
                        upstream.records(query, keys)
                    continue
                listed = upstream.records(query, keys).table
                assert listed.to_pydict() == _texts(body, keys)
                if keys == RECORDED_KEYS:
                    regions[query] = listed
            _keep(mirror, sharp_nrt, pa.concat_tables(regions.values()))
            for query, listed in regions.items():
                assert client.answer(query, RECORDED_KEYS).texts() == listed.to_pydict()
    assert failures > 0
    if _CAPTURES is None:
        assert answers == 5465


def _captures(file: Path) -> Iterator[dict[str, bytes]]:
    """The answers that were asked for at one moment, by query; moment after moment."""
    with (
        pa.input_stream(str(file), compression="zstd") as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        answers = ((member.name.split("_", 2), archive.extractfile(member)) for member in archive)
        for _, moment in itertools.groupby(answers, key=lambda answer: answer[0][1]):
            yield {
                query_of(name.removesuffix(".html")): body.read()
                for (_, _, name), body in moment
                if body is not None
            }


def _texts(body: bytes, keys: tuple[str, ...]) -> dict[str, list[str]]:
    """By key what the answer says; one without records lists no keys."""
    listed = json.loads(body).get("keywords", [])
    return {key: [] for key in keys} | {column["name"]: column["values"] for column in listed}


def _keep(mirror: Mirror, definition: SeriesDefinition, rows: pa.Table) -> None:
    """Store what one moment brought, as a run does."""
    catalogue = mirror.catalogue
    with catalogue.leases.holding("series") as lease:
        run = catalogue.runs.start(definition.name, definition.name)
        store = WindowStore(mirror, definition, run.id, lease)
        store.make_table(0, 0.0)
        store.keep(rows, [everything(definition)])
        store.finish()
        catalogue.runs.finish(run.id, RunOutcome.DONE)
