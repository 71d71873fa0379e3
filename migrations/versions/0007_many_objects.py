"""Many objects, found by index; and which hosts write the catalogue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LEAVING = sa.text("is_leaving IS true")
_LEAVING_IN_SQLITE = sa.text("is_leaving IS 1")


def upgrade() -> None:
    op.drop_index(op.f("ix_objects_used_utc"), table_name="objects")
    op.create_index(op.f("ix_objects_used_utc_sha256"), "objects", ["used_utc", "sha256"])
    op.create_index(
        "ix_objects_leaving",
        "objects",
        ["sha256"],
        sqlite_where=_LEAVING_IN_SQLITE,
        postgresql_where=_LEAVING,
    )
    op.create_table(
        "hosts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("seen_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_hosts")),
    )


def downgrade() -> None:
    op.drop_table("hosts")
    op.drop_index("ix_objects_leaving", table_name="objects")
    op.drop_index(op.f("ix_objects_used_utc_sha256"), table_name="objects")
    op.create_index(op.f("ix_objects_used_utc"), "objects", ["used_utc"])
