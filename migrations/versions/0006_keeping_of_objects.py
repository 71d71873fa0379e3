"""Keeping of objects: what was evicted so far, and since when all of them are being read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTS = ("evicted_objects", "evicted_bytes")


def upgrade() -> None:
    for name in _COUNTS:
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        op.add_column("object_totals", column)
    op.add_column("object_totals", sa.Column("check_begun_utc", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("object_totals") as table:
        for name in (*_COUNTS, "check_begun_utc"):
            table.drop_column(name)
