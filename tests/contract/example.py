"""Write a small catalogue of the newest schema as SQL text, to be read by every later version.

``python -m tests.contract.example`` writes ``tests/contract/catalogues/<schema>.sql``. Do it once,
when a schema is released, and never again: the text is what that version wrote.
"""

from __future__ import annotations

import math
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from drmsmirror.catalogue import (
    REVISIONS,
    AsOf,
    Catalogue,
    Cost,
    FailedFile,
    FailedQuestion,
    Health,
    Order,
    OrderState,
    RunCounters,
    RunOutcome,
    StoredAnswer,
)
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import Span
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.valuesets import ValueSet
from tests.contract.conftest import START, Clock, stored_definition

URL = "http://jsoc.stanford.edu"
ANSWER = StoredAnswer(
    digest="ab" * 32,
    upstream_url=URL,
    record_set="hmi.M_45s[]",
    asked_utc=START - timedelta(minutes=1),
    stored_utc=START,
    used_utc=START,
    records=2**40,
    body_bytes=2**41,
    seconds=0.1,
    file_format=1,
    file_bytes=100,
    sha256="cd" * 32,
)
FAILED = FailedQuestion(
    ANSWER.digest, URL, "upstream-refused", "no", 7.5, START, START + timedelta(minutes=1)
)

#: Two files of one record, and one that could not be had.
FILE = SegmentFile("hmi.sharp_720s", 0, 2**40, "magnetogram")
TWIN = SegmentFile("hmi.sharp_720s", 0, 2**40, "Br")
FAILED_FILE = SegmentFile("hmi.M_45s", 3, -7, "magnetogram")
OBJECT = "ef" * 32
#: A download that was broken off.
PART = "01" * 32
PINNED = "hmi.sharp_720s[377]{magnetogram}"
ORDER = Order(
    request_id="JSOC_20240510_001",
    upstream_url=URL,
    digest="23" * 32,
    record_set="hmi.M_45s[:#7]{magnetogram}",
    email="you@example.org",
    method="url_quick",
    state=OrderState.PENDING,
    message="ü",
    ordered_utc=START - timedelta(minutes=1),
    asked_utc=START,
)


def fill_example(catalogue: Catalogue) -> None:
    """Put into a catalogue what the stored ones have."""
    name = "hmi.sharp_720s"
    catalogue.save_definition(stored_definition(name), upstream_url="http://jsoc.stanford.edu")
    catalogue.save_definition(stored_definition("test.nopk"))
    run = catalogue.runs.start(name, f"{name}[377]")
    for low, high in ((-math.inf, 5.5), (30, math.inf)):
        restriction = Restriction().where("harpnum", ValueSet.of([Span(377, 378)]))
        entry = CoverageEntry(
            Interval(low, high),
            restriction,
            frozenset({"harpnum"}),
            Versions.LATEST,
            0,
            9,
            START,
        )
        catalogue.record_window(
            name,
            entries=[entry],
            table_version=1,
            rows_held=3,
            run=run.id,
            counters=RunCounters(requests=1, bytes=2, records_new=3),
            watermark=AsOf(9, START),
            codecs={"HARPNUM": "%d"},
        )
    catalogue.runs.finish(run.id, RunOutcome.DONE, share_held=0.5)
    share_example(catalogue)
    segments_example(catalogue)


def share_example(catalogue: Catalogue) -> None:
    """Put in what processes share about the upstream, from schema 0002 on."""
    catalogue.answers.keep(ANSWER)
    catalogue.answers.keep_failure(replace(FAILED, digest="another"))
    catalogue.upstreams.change_health(URL, lambda _: Health(3, 1, START, START, "ü"))
    catalogue.upstreams.change_cost(URL, lambda _: Cost(0.5, 1 / 3))


def segments_example(catalogue: Catalogue) -> None:
    """Put in what is known of segment files, from schema 0005 on."""
    for file in (FILE, TWIN):
        catalogue.segments.keep(file, OBJECT, 2**41, f"{file.segment}.fits")
    lost = FailedFile("lost", "ü", START, START + timedelta(minutes=10))
    catalogue.segments.fail(FAILED_FILE, lost)
    catalogue.downloads.begin(PART, 2**42, '"ü"', most_bytes=None)
    catalogue.pins.add(PINNED, [FILE, FAILED_FILE])
    catalogue.orders.save(ORDER)


def main() -> None:
    """Write the text."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalogue.sqlite"
        with Catalogue.create(path, clock=Clock()) as catalogue:
            fill_example(catalogue)
        with closing(sqlite3.connect(path)) as connection:
            # who ran it is nobody's business, and SQLite makes its own table by itself
            connection.execute("UPDATE runs SET host = 'example', pid = 1")
            lines = [line for line in connection.iterdump() if "sqlite_sequence" not in line]
    target = Path(__file__).parent / "catalogues" / f"{REVISIONS[-1]}.sql"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
