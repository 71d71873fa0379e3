"""Write a new migration: ``python migrations/new_revision.py "what changes"`` in a checkout.

Change ``drmsmirror/catalogue/tables.py`` first. What differs from the newest schema is written to
``versions/NNNN_what_changes.py``; read it, complete it, and add its number to ``REVISIONS`` in
``drmsmirror/catalogue/schema.py``.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import closing
from pathlib import Path

from alembic import command

from drmsmirror.catalogue.database import connect
from drmsmirror.catalogue.migrate import changing_schema, create
from drmsmirror.catalogue.place import place_of
from drmsmirror.catalogue.schema import REVISIONS


def write(message: str, directory: Path | None = None) -> None:
    number = f"{int(REVISIONS[-1]) + 1:04d}"
    with tempfile.TemporaryDirectory() as scratch:
        place = place_of(Path(scratch) / "catalogue.sqlite")
        create(place)
        with (
            closing(connect(place, foreign_keys=False)) as database,
            changing_schema(database, directory) as change,
        ):
            change.config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(change.config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    write(sys.argv[1])
