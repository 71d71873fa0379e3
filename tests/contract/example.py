"""Write a small catalogue of the newest schema as SQL text, to be read by every later version.

``python -m tests.contract.example`` writes ``tests/contract/catalogues/<schema>.sql``. Do it once,
when a schema is released, and never again: the text is what that version wrote.
"""

from __future__ import annotations

import math
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from drmsmirror.catalogue import REVISIONS, AsOf, Catalogue, RunCounters, RunOutcome
from drmsmirror.model.coverage import CoverageEntry, Interval, Versions
from tests.contract.conftest import START, Clock, stored_definition


def fill_example(catalogue: Catalogue) -> None:
    """Put into a catalogue what the stored ones have."""
    name = "hmi.sharp_720s"
    catalogue.save_definition(stored_definition(name), upstream_url="http://jsoc.stanford.edu")
    catalogue.save_definition(stored_definition("test.nopk"))
    run = catalogue.start_run(name, f"{name}[377]")
    for low, high in ((-math.inf, 5.5), (30, math.inf)):
        entry = CoverageEntry(
            Interval(low, high), "[377]", frozenset({"harpnum"}), Versions.LATEST, 0, 9, START
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
    catalogue.finish_run(run.id, RunOutcome.DONE, share_held=0.5)


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
