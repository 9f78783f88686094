"""Under which names persons were known before they were merged with others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "former_names",
        sa.Column("id", ID, nullable=False),
        sa.Column("former", sa.String(200), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name="fk_former_names_person_id_persons",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_former_names"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_former_names_former", "former_names", ["former"])
    op.create_index("ix_former_names_person_id", "former_names", ["person_id"])


def downgrade() -> None:
    op.drop_table("former_names")
