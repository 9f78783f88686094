"""Templates and images may be sealed: which key, and an index to count and rotate by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEYS = {"templates": "id", "images": "print_id"}


def upgrade() -> None:
    for table, key in KEYS.items():
        op.add_column(table, sa.Column("sealed_with", sa.String(16), nullable=True))
        op.create_index(f"ix_{table}_sealed_with_{key}", table, ["sealed_with", key])


def downgrade() -> None:
    """Only where nothing is sealed: without the key's id nothing of it could be opened again."""
    for table, key in KEYS.items():
        sealed = sa.text(f"SELECT count(*) FROM {table} WHERE sealed_with IS NOT NULL")
        if op.get_bind().execute(sealed).scalar():
            raise RuntimeError(f"{table} are sealed: this version's tables cannot be left")
        op.drop_index(f"ix_{table}_sealed_with_{key}", table)
        op.drop_column(table, "sealed_with")
