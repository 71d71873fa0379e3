"""The schema: made by migrations alone, the same as the tables say, of a known version."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from drmsmirror.catalogue import REVISIONS, Catalogue
from drmsmirror.catalogue.database import Database, connect
from drmsmirror.catalogue.migrate import changing_schema, migrations_directory, upgrade
from drmsmirror.catalogue.place import place_of
from drmsmirror.catalogue.tables import metadata
from drmsmirror.errors import CatalogueVersionError, NoMirrorError, StoreError
from drmsmirror.model.series import SeriesDefinition
from tests.contract.conftest import PROJECT, run_child, stored_definition

#: The number of a migration that there is not yet.
NEXT = f"{int(REVISIONS[-1]) + 1:04d}"

NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = {to!r}, {since!r}, None, None


def upgrade():
    again = {rebuild} and op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("drms_series", recreate="always" if again else "auto") as batch:
        batch.add_column(sa.Column("remark", sa.Text()))
    {then}
"""


@contextmanager
def bare(address: str) -> Iterator[Database]:
    with closing(connect(place_of(address), foreign_keys=False)) as database:
        yield database


def mark(catalogue: Catalogue, revision: str) -> None:
    with catalogue.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def next_migration(tmp_path: Path, *, rebuild: bool, then: str = "") -> Path:
    directory = tmp_path / "migrations 100%"
    shutil.copytree(migrations_directory(), directory)
    (directory / "versions" / f"{NEXT}_next.py").write_text(
        NEXT_MIGRATION.format(to=NEXT, since=REVISIONS[-1], rebuild=rebuild, then=then)
    )
    return directory


def test_the_migrated_schema_is_what_the_tables_say(nowhere: str) -> None:
    with Catalogue.create(nowhere) as catalogue, catalogue.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        names = {
            table: [key["name"] for key in inspect(connection).get_foreign_keys(table)]
            for table in metadata.tables
        }
    assert names == {
        table.name: [constraint.name for constraint in table.foreign_key_constraints]
        for table in metadata.tables.values()
    }


def test_it_can_be_taken_down_and_put_up_again(address: str) -> None:
    with bare(address) as database:
        with changing_schema(database) as change:
            change.downgrade("base")
        with database.read() as connection:
            assert inspect(connection).get_table_names() == ["alembic_version"]
        assert Catalogue.current(address) is None
        with pytest.raises(NoMirrorError, match="drmsmirror init"):
            Catalogue.open(address)
        with changing_schema(database) as change:
            change.upgrade()
    with Catalogue.open(address) as catalogue:
        assert catalogue.schema_version == REVISIONS[-1]
        assert catalogue.series() == ()


def test_the_version_is_known_without_loading_alembic(address: str) -> None:
    program = (
        "import sys; from drmsmirror.catalogue import Catalogue\n"
        "with Catalogue.open(sys.argv[1]) as c: print(c.schema_version, 'alembic' in sys.modules)"
    )
    assert run_child(program, address) == (0, f"{REVISIONS[-1]} False\n", "")


def test_a_second_catalogue_is_not_made_over_the_first(catalogue: Catalogue, address: str) -> None:
    catalogue.save_definition(stored_definition("hmi.M_45s"))
    with pytest.raises(StoreError, match="There is a catalogue already"):
        Catalogue.create(address)
    assert [series.name for series in catalogue.series()] == ["hmi.M_45s"]


def test_a_newer_catalogue_is_refused_with_words(catalogue: Catalogue, address: str) -> None:
    mark(catalogue, "9999")
    for use in (Catalogue.open, Catalogue.upgrade):
        with pytest.raises(CatalogueVersionError) as caught:
            use(address)
        assert "has schema 9999" in str(caught.value)
        assert f"up to {REVISIONS[-1]}" in str(caught.value)
        assert "Install the newer drmsmirror" in str(caught.value)
    assert Catalogue.current(address) == "9999"


def test_an_older_catalogue_is_refused_with_the_command(catalogue: Catalogue) -> None:
    from drmsmirror.catalogue.schema import check_revision

    with (
        catalogue.database.read() as connection,
        pytest.raises(CatalogueVersionError, match=rf"needs {NEXT}; run: drmsmirror db upgrade"),
    ):
        check_revision(connection, catalogue.database.place, (*REVISIONS, NEXT))


def test_upgrading_what_is_new_changes_nothing(catalogue: Catalogue, address: str) -> None:
    assert Catalogue.upgrade(address) == (REVISIONS[-1], REVISIONS[-1])


@pytest.fixture
def filled(catalogue: Catalogue) -> SeriesDefinition:
    definition = stored_definition("hmi.sharp_720s")
    catalogue.save_definition(definition)
    return definition


@pytest.mark.parametrize("rebuild", [False, True])
def test_an_upgrade_keeps_what_is_there_and_the_old_file(
    catalogue: Catalogue, address: str, filled: SeriesDefinition, tmp_path: Path, rebuild: bool
) -> None:
    catalogue.close()
    directory = next_migration(tmp_path, rebuild=rebuild)
    place = place_of(address)
    revisions = (*REVISIONS, NEXT)
    assert upgrade(place, directory=directory, revisions=revisions) == (REVISIONS[-1], NEXT)
    with bare(address) as database, database.read() as connection:
        columns = inspect(connection).get_columns("drms_series")
        keywords = connection.scalar(text("SELECT count(*) FROM drms_keyword"))
    assert columns[-1]["name"] == "remark"
    assert keywords == len(filled.keywords)  # making drms_series anew did not empty its children
    if place.path is not None:
        with Catalogue.open(
            place.path.with_name(f"catalogue.sqlite.schema-{REVISIONS[-1]}")
        ) as old:
            assert old.definition("hmi.sharp_720s") == filled


def test_an_upgrade_that_fails_changes_nothing(
    catalogue: Catalogue, address: str, filled: SeriesDefinition, tmp_path: Path
) -> None:
    directory = next_migration(
        tmp_path, rebuild=True, then="op.execute('INSERT INTO absent VALUES (1)')"
    )
    with pytest.raises(StoreError, match="absent"):
        upgrade(place_of(address), directory=directory, revisions=(*REVISIONS, NEXT))
    with Catalogue.open(address) as again:
        assert again.definition("hmi.sharp_720s") == filled


def test_the_known_revisions_are_those_that_there_are() -> None:
    found = {}
    for path in (migrations_directory() / "versions").glob("*.py"):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[module.down_revision] = module.revision
        assert path.name.startswith(f"{module.revision}_")
    assert found == dict(zip((None, *REVISIONS), REVISIONS, strict=False))


def test_a_new_migration_is_written_from_the_tables(tmp_path: Path) -> None:
    """A table more than the schema has becomes a revision that makes it."""
    project = tmp_path / "project"
    for name in ("drmsmirror", "migrations"):
        shutil.copytree(PROJECT / name, project / name)
    tables = project / "drmsmirror" / "catalogue" / "tables.py"
    tables.write_text(tables.read_text() + '\nTable("badges", metadata, Column("name", Text))\n')
    program = "import runpy, sys; runpy.run_path(sys.argv[1])['write']('add badges')"
    script = project / "migrations" / "new_revision.py"
    code, _, err = run_child(program, str(script), PYTHONPATH=str(project))
    assert (code, err) == (0, "")
    number = f"{int(REVISIONS[-1]) + 1:04d}"
    written = (project / "migrations" / "versions" / f"{number}_add_badges.py").read_text()
    compile(written, number, "exec")
    assert f"down_revision = '{REVISIONS[-1]}'" in written
    assert written.count("op.create_table('badges'") == 1
    assert "drms_" not in written  # nothing else differs


def test_something_else_is_not_taken_for_a_catalogue(nowhere: str) -> None:
    place = place_of(nowhere)
    if place.path is not None:
        place.path.parent.mkdir()
    with closing(connect(place, may_create=True)) as database, database.write() as connection:
        connection.execute(text("CREATE TABLE wages (x INTEGER)"))
    for use in (Catalogue.open, Catalogue.create):
        with pytest.raises(StoreError, match=r"is no catalogue of drmsmirror: .*wages"):
            use(nowhere)


def test_an_installed_package_brings_its_migrations(tmp_path: Path) -> None:
    """The wheel carries them inside the package, where no checkout is around it."""
    package = tmp_path / "site" / "drmsmirror"
    shutil.copytree(PROJECT / "drmsmirror", package)
    shutil.copytree(PROJECT / "migrations", package / "migrations")
    program = (
        "import sys, pathlib; from drmsmirror.catalogue import Catalogue\n"
        "from drmsmirror.catalogue.migrate import migrations_directory\n"
        "with Catalogue.create(pathlib.Path(sys.argv[1])) as c: print(migrations_directory())"
    )
    path = tmp_path / "catalogue.sqlite"
    code, out, err = run_child(program, str(path), PYTHONPATH=str(package.parent))
    assert (code, out.strip(), err) == (0, str(package / "migrations"), "")
    assert Catalogue.current(path) == REVISIONS[-1]


def test_there_is_no_catalogue_yet(nowhere: str) -> None:
    for use in (Catalogue.open, Catalogue.upgrade):
        with pytest.raises(NoMirrorError, match="drmsmirror init"):
            use(nowhere)
