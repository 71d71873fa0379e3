"""Which version of the schema a catalogue has, and whether this program may use it.

Kept apart from the migrations, so that opening a catalogue does not load Alembic.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, inspect, text

from drmsmirror.catalogue.place import Place
from drmsmirror.errors import CatalogueVersionError, NoMirrorError, StoreError

__all__ = ["REVISIONS", "check_revision", "read_revision", "refuse_newer"]

#: Every revision in ``migrations/versions``, oldest first; a test holds the two together.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")


def read_revision(connection: Connection) -> str | None:
    """Give the schema version of a database; None where there is no catalogue in it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_revision(
    connection: Connection, place: Place, revisions: Sequence[str] = REVISIONS
) -> str:
    """Make sure that the catalogue has the schema that this program is written for.

    Raises
    ------
    NoMirrorError
        The database is empty.
    StoreError
        The database holds something else.
    CatalogueVersionError
        The schema is newer (the message says what to do) or older (it names the command).
    """
    revision = read_revision(connection)
    if revision is None:
        _refuse_other(connection, place)
    assert revision is not None
    refuse_newer(revision, place, revisions)
    if revision != revisions[-1]:
        raise CatalogueVersionError(
            f"The catalogue {place.shown} has schema {revision}, this drmsmirror needs "
            f"{revisions[-1]}; run: drmsmirror db upgrade"
        )
    return revision


def refuse_newer(revision: str, place: Place, revisions: Sequence[str] = REVISIONS) -> None:
    """Refuse a catalogue whose schema this program does not know.

    Raises
    ------
    CatalogueVersionError
        The schema is none of ``revisions``.
    """
    if revision not in revisions:
        raise CatalogueVersionError(
            f"The catalogue {place.shown} has schema {revision}, made by a newer drmsmirror; this "
            f"one knows schemas up to {revisions[-1]}. Install the newer drmsmirror, or bring back "
            "a backup from before with `drmsmirror db restore`"
        )


def _refuse_other(connection: Connection, place: Place) -> None:
    others = inspect(connection).get_table_names()
    if set(others) - {"alembic_version"}:
        raise StoreError(
            f"{place.shown} is no catalogue of drmsmirror: it holds other tables "
            f"({', '.join(sorted(others)[:3])}). Name another place in the setting catalogue_url"
        )
    raise NoMirrorError(
        f"There is no catalogue in {place.shown}; make a mirror with `drmsmirror init`"
    )
