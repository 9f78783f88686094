"""Tasks may be sealed; who failed to show who they are; who is signed in at the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tasks", sa.Column("sealed_with", sa.String(16), nullable=True))
    op.create_index("ix_tasks_sealed_with_id", "tasks", ["sealed_with", "id"])
    op.create_table(
        "failures",
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("times", sa.Text(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("locked_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("client", "subject", name="pk_failures"),
    )
    op.create_index("ix_failures_last_at", "failures", ["last_at"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_used_at", "sessions", ["used_at"])


def downgrade() -> None:
    """Only where no task is sealed: without the key's id none could be opened again."""
    sealed = sa.text("SELECT count(*) FROM tasks WHERE sealed_with IS NOT NULL")
    if op.get_bind().execute(sealed).scalar():
        raise RuntimeError("tasks are sealed: this version's tables cannot be left")
    op.drop_table("sessions")
    op.drop_table("failures")
    op.drop_index("ix_tasks_sealed_with_id", "tasks")
    op.drop_column("tasks", "sealed_with")
