"""The audit log, which only grows; case ids, purposes allowed, retention, legal holds, exports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
REFUSAL = "the audit log is only added to"
# What is refused to everyone, a mistake in the code too: to change, to delete, to insert elsewhere
# than at the end (SQLite's INSERT OR REPLACE deletes without a trigger of its own).
SQLITE = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    f"CREATE TRIGGER audit_at_the_end BEFORE INSERT ON audit "
    f"WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit) "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
)
POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$",
    f"CREATE OR REPLACE FUNCTION audit_at_the_end() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF NEW.sequence IS DISTINCT FROM "
    f"(SELECT coalesce(max(sequence), 0) + 1 FROM audit) "
    f"THEN RAISE EXCEPTION '{REFUSAL}'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_at_the_end BEFORE INSERT ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_at_the_end()",
)


def upgrade() -> None:
    op.add_column(
        "submissions", sa.Column("case_id", sa.String(200), nullable=False, server_default="")
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("submission_id", ID, nullable=True),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    for statement in SQLITE if op.get_context().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "purposes",
        sa.Column("purpose", sa.String(200), nullable=False),
        _submission(),
        _made_by("purposes"),
        sa.PrimaryKeyConstraint("purpose", name="pk_purposes"),
    )
    op.create_table(
        "retention",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        _submission(),
        _made_by("retention"),
        sa.CheckConstraint("days > 0", name=op.f("ck_retention_days")),
        sa.PrimaryKeyConstraint("kind", name="pk_retention"),
    )
    op.create_table(
        "holds",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("released_at", TIME, nullable=True),
        _submission(),
        _made_by("holds"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_holds_current",
        "holds",
        ["person"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "exports",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        _submission(),
        _made_by("exports"),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_exports_at", "exports", ["at"])


def _submission() -> sa.Column[int]:
    return sa.Column("submission_id", ID, nullable=False)


def _made_by(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["submission_id"], ["submissions.id"], name=f"fk_{table}_submission_id"
    )


def downgrade() -> None:
    """Takes the log with it: export it before."""
    for table in ("exports", "holds", "retention", "purposes", "audit"):
        op.drop_table(table)
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_refuse()")
        op.execute("DROP FUNCTION audit_at_the_end()")
    op.drop_column("submissions", "case_id")
