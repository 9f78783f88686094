"""Two examiners decide a case, a supervisor where they differ; and what they have to compare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
# What two had decided alike before there were stages is closed by the second of them.
CLOSE_AGREED = """
UPDATE decisions SET closes = {true} WHERE id IN (
  SELECT MIN(later.id) FROM decisions AS later JOIN decisions AS earlier
    ON earlier.search_id = later.search_id AND earlier.person = later.person
    AND earlier.conclusion = later.conclusion AND earlier.id < later.id
  GROUP BY later.search_id, later.person)
"""


def upgrade() -> None:
    with op.batch_alter_table("decisions", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(
            sa.Column("role", sa.String(10), nullable=False, server_default="examiner")
        )
        batch.add_column(
            sa.Column("closes", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.create_check_constraint(
            op.f("ck_decisions_role"), "role IN ('examiner', 'supervisor')"
        )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.execute(CLOSE_AGREED.format(true="1" if is_sqlite else "true"))
    op.create_table(
        "probe_prints",
        sa.Column("id", ID, nullable=False),
        sa.Column("search_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("ppi", sa.Float(), nullable=True),
        sa.Column("sealed_with", sa.String(16), nullable=True),
        sa.CheckConstraint("kind IN ('template', 'image')", name=op.f("ck_probe_prints_kind")),
        _owner("probe_prints"),
        sa.PrimaryKeyConstraint("id", name="pk_probe_prints"),
        sa.UniqueConstraint(
            "search_id", "number", "kind", name="uq_probe_prints_search_id_number_kind"
        ),
        sqlite_autoincrement=True,
    )
    for table in ("prints", "search_probes"):
        op.create_index(f"ix_{table}_sha256", table, ["sha256"])
    op.create_index("ix_probe_prints_sealed_with_id", "probe_prints", ["sealed_with", "id"])
    op.create_table(
        "case_holds",
        sa.Column("search_id", ID, nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("examiner", sa.String(200), nullable=False),
        sa.Column("until", TIME, nullable=False),
        _owner("case_holds"),
        sa.PrimaryKeyConstraint("search_id", "person", name="pk_case_holds"),
    )


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["search_id"], ["searches.id"], name=f"fk_{table}_search_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    """What was kept of probes, and who decided as a supervisor, is lost."""
    op.drop_table("case_holds")
    op.drop_table("probe_prints")
    for table in ("prints", "search_probes"):
        op.drop_index(f"ix_{table}_sha256", table)
    with op.batch_alter_table("decisions", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(op.f("ck_decisions_role"), type_="check")
        batch.drop_column("closes")
        batch.drop_column("role")
