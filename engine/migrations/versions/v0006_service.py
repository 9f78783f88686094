"""What a service keeps: encounters with their galleries and status, and tasks that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

revision = "0006"
down_revision = "0005"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
OLD_UNIQUE = "uq_prints_person_id_position_sha256"
NEW_UNIQUE = "uq_prints_encounter_id_position_sha256"
STATES = "state IN ('pending', 'scheduled', 'retry', 'error', 'completed')"
CHILDREN = ("images", "templates")


def upgrade() -> None:
    op.add_column(
        "encounters", sa.Column("status", sa.String(8), nullable=False, server_default="ACTIVE")
    )
    op.add_column(
        "encounters", sa.Column("kind", sa.String(200), nullable=False, server_default="")
    )
    op.add_column("encounters", sa.Column("client_data", sa.Text(), nullable=True))
    op.add_column("encounters", sa.Column("contextual_data", sa.Text(), nullable=True))
    op.add_column("encounters", sa.Column("updated_at", TIME, nullable=True))
    op.add_column("prints", sa.Column("details", sa.Text(), nullable=True))
    op.add_column(
        "templates", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    _make_unique(OLD_UNIQUE, NEW_UNIQUE, ["encounter_id", "position", "sha256"])
    op.create_table(
        "memberships",
        sa.Column("gallery_id", ID, nullable=False),
        sa.Column("encounter_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["gallery_id"], ["galleries.id"], name="fk_memberships_gallery_id"),
        sa.ForeignKeyConstraint(
            ["encounter_id"],
            ["encounters.id"],
            name="fk_memberships_encounter_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("gallery_id", "encounter_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_encounter_id", "memberships", ["encounter_id"])
    op.execute(
        "INSERT INTO memberships (gallery_id, encounter_id) "
        "SELECT DISTINCT templates.gallery_id, prints.encounter_id FROM templates "
        "JOIN prints ON prints.id = templates.print_id"
    )
    op.create_table(
        "tasks",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("operation", sa.String(40), nullable=False),
        sa.Column("transaction_name", sa.String(200), nullable=False),
        sa.Column("operator", sa.String(200), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("held_until", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_tasks_state")),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("name", name="uq_tasks_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_state", "tasks", ["state", "priority", "due_at"])


def _make_unique(old: str, new: str, columns: list[str]) -> None:
    """Puts one unique constraint of `prints` in the place of another.

    SQLite can do that only by making the table again, and the old one would take its children
    with it: they are laid aside meanwhile.
    """
    if op.get_context().dialect.name != "sqlite" or context.is_offline_mode():
        op.drop_constraint(old, "prints", type_="unique")
        op.create_unique_constraint(new, "prints", columns)
        return
    ids = "SELECT seq FROM sqlite_sequence WHERE name = 'prints'"
    last = op.get_bind().execute(sa.text(ids)).scalar()
    for table in CHILDREN:
        op.execute(f"CREATE TABLE aside_{table} AS SELECT * FROM {table}")
        op.execute(f"DELETE FROM {table}")
    with op.batch_alter_table("prints", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.drop_constraint(old, type_="unique")
        batch.create_unique_constraint(new, columns)
    if last is not None:
        op.execute(f"UPDATE sqlite_sequence SET seq = {int(last)} WHERE name = 'prints'")
    for table in CHILDREN:
        op.execute(f"INSERT INTO {table} SELECT * FROM aside_{table}")
        op.execute(f"DROP TABLE aside_{table}")


def downgrade() -> None:
    """Encounters without a print, those that are not active, and tasks are lost."""
    op.drop_table("tasks")
    op.drop_table("memberships")
    op.execute("DELETE FROM templates WHERE NOT active")
    op.execute(
        "DELETE FROM encounters WHERE status <> 'ACTIVE' OR id NOT IN "
        "(SELECT encounter_id FROM prints)"
    )
    op.execute(
        "DELETE FROM prints WHERE id NOT IN "
        "(SELECT MIN(id) FROM prints GROUP BY person_id, position, sha256)"
    )
    _make_unique(NEW_UNIQUE, OLD_UNIQUE, ["person_id", "position", "sha256"])
    op.drop_column("templates", "active")
    op.drop_column("prints", "details")
    for name in ("updated_at", "contextual_data", "client_data", "kind", "status"):
        op.drop_column("encounters", name)
