"""Made files of segments: which segment file each shows in another form, to be pinned with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEX = "ix_made_files_of"


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("made_files"):
        _make()  # the first catalogues of schema 0005 had none
    for column in (
        sa.Column("series_key", sa.Text()),
        sa.Column("generation", sa.Integer()),
        sa.Column("recnum", sa.BigInteger()),
        sa.Column("segment_key", sa.Text()),
    ):
        op.add_column("made_files", column)
    op.create_index(_INDEX, "made_files", ["series_key", "recnum"])


def _make() -> None:
    op.create_table(
        "made_files",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("made_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", "position", name=op.f("pk_made_files")),
    )
    op.create_index(op.f("ix_made_files_sha256"), "made_files", ["sha256"])


def downgrade() -> None:
    op.drop_index(_INDEX, "made_files")
    with op.batch_alter_table("made_files") as table:
        for name in ("series_key", "generation", "recnum", "segment_key"):
            table.drop_column(name)
