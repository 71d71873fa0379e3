"""Alembic's entry: runs the migrations on the connection that drmsmirror hands over.

Migrations are run by ``drmsmirror db upgrade`` (``drmsmirror.catalogue.migrate``), never by the
``alembic`` command: the transaction, the locks and the foreign keys are taken care of there.
``python migrations/new_revision.py "what changes"`` in a checkout writes a new one.
"""

from __future__ import annotations

from alembic import context

from drmsmirror.catalogue.tables import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run the migrations with: drmsmirror db upgrade")

context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite cannot change a column: Alembic makes the table anew and copies the rows
    render_as_batch=connection.dialect.name == "sqlite",
    # SQLite can undo a change of the schema; Alembic's default assumes that it cannot
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
