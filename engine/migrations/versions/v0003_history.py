"""Nothing is overwritten: versions of offense records, examiners' decisions, rules in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
RECORD = ("gallery_id", "person_id", "record_id")
OLD_UNIQUE = "uq_offense_records_gallery_id_person_id_record_id"
CHANGES = "change IN ('added', 'amended', 'sealed', 'expunged', 'restored')"
# Both databases can add these to a table that has rows; what is not null comes after.
ADDED = {
    "nibrs": sa.String(3),
    "statute": sa.String(200),
    "change": sa.String(8),
    "reason": sa.Text(),
}
KEEP = {"sqlite_autoincrement": True}  # what SQLite's batch mode would forget


def upgrade() -> None:
    _make_versions()
    op.create_index("ix_searches_at", "searches", ["at"])
    op.create_index(
        "ix_search_candidates_over_threshold",
        "search_candidates",
        ["search_id", "rank"],
        sqlite_where=sa.text("over_threshold = 1"),
        postgresql_where=sa.text("over_threshold"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("search_id", ID, nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("examiner", sa.String(200), nullable=False),
        sa.Column("conclusion", sa.String(16), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.CheckConstraint(
            "conclusion IN ('identification', 'exclusion', 'inconclusive')",
            name=op.f("ck_decisions_conclusion"),
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["searches.id"], name="fk_decisions_search_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_decisions_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint(
            "search_id", "person", "examiner", name="uq_decisions_search_id_person_examiner"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rule_sets",
        sa.Column("id", ID, nullable=False),
        sa.Column("policy", sa.String(200), nullable=False),
        sa.Column("stamp", sa.String(200), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", TIME, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_rule_sets_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_sets"),
        sa.UniqueConstraint("policy", "stamp", name="uq_rule_sets_policy_stamp"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rule_uses",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_set_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["rule_set_id"], ["rule_sets.id"], name="fk_rule_uses_rule_set_id"),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_rule_uses_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rule_uses"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rule_uses_rule_set_id", "rule_uses", ["rule_set_id"])


def _make_versions() -> None:
    """Every record there is becomes its own first version."""
    for name, kind in ADDED.items():
        op.add_column("offense_records", sa.Column(name, kind, nullable=True))
    op.add_column("offense_records", sa.Column("superseded_at", TIME, nullable=True))
    op.execute("UPDATE offense_records SET nibrs = '', statute = '', change = 'added', reason = ''")
    with op.batch_alter_table("offense_records", table_kwargs=KEEP) as table:
        for name, kind in ADDED.items():
            table.alter_column(name, existing_type=kind, nullable=False)
        table.alter_column(
            "updated_at", new_column_name="recorded_at", existing_type=TIME, existing_nullable=False
        )
        table.drop_constraint(OLD_UNIQUE, type_="unique")
        table.create_check_constraint(op.f("ck_offense_records_change"), CHANGES)
    op.create_index(
        "uq_offense_records_current",
        "offense_records",
        list(RECORD),
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def downgrade() -> None:
    """Keeps what is current of each record; decisions and rules kept are lost."""
    for table in ("rule_uses", "rule_sets", "decisions"):
        op.drop_table(table)
    op.drop_index("ix_search_candidates_over_threshold", "search_candidates")
    op.drop_index("ix_searches_at", "searches")
    op.execute("DELETE FROM offense_records WHERE superseded_at IS NOT NULL")
    op.drop_index("uq_offense_records_current", "offense_records")
    with op.batch_alter_table("offense_records", table_kwargs=KEEP) as batch:
        batch.drop_constraint(op.f("ck_offense_records_change"), type_="check")
        batch.create_unique_constraint(OLD_UNIQUE, list(RECORD))
        batch.alter_column(
            "recorded_at", new_column_name="updated_at", existing_type=TIME, existing_nullable=False
        )
        for name in ("superseded_at", *ADDED):
            batch.drop_column(name)
