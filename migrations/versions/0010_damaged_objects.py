"""Damaged objects: found to be not what their names say, so that nobody is given them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_DAMAGED = sa.text("is_damaged IS true")
_DAMAGED_IN_SQLITE = sa.text("is_damaged IS 1")


def upgrade() -> None:
    op.add_column(
        "objects",
        sa.Column("is_damaged", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_objects_damaged",
        "objects",
        ["sha256"],
        sqlite_where=_DAMAGED_IN_SQLITE,
        postgresql_where=_DAMAGED,
    )


def downgrade() -> None:
    op.drop_index("ix_objects_damaged", table_name="objects")
    op.drop_column("objects", "is_damaged")
