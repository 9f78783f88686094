"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "clock",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_clock"),
    )
    op.create_table(
        "galleries",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("maker", sa.String(200), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_galleries"),
        sa.UniqueConstraint("name", name="uq_galleries_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "persons",
        sa.Column("id", ID, nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_persons"),
        sa.UniqueConstraint("reference", name="uq_persons_reference"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "submissions",
        sa.Column("id", ID, nullable=False),
        sa.Column("verb", sa.String(20), nullable=False),
        sa.Column("jurisdiction", sa.String(200), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("operator", sa.String(200), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_submissions"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "changes",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("gallery_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.CheckConstraint("kind IN ('enrol', 'remove')", name=op.f("ck_changes_kind")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_changes_submission_id"
        ),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
    )
    op.create_index("ix_changes_gallery_id_sequence", "changes", ["gallery_id", "sequence"])
    op.create_table(
        "encounters",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name="fk_encounters_person_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_encounters_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_encounters"),
        sa.UniqueConstraint("person_id", "reference", name="uq_encounters_person_id_reference"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "offense_records",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("gallery_id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("ncic", sa.String(8), nullable=False),
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("degree", sa.SmallInteger(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("offense_date", sa.Date(), nullable=True),
        sa.Column("jurisdiction", sa.String(200), nullable=False),
        sa.Column("max_sentence_months", sa.Integer(), nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["galleries.id"], name="fk_offense_records_gallery_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name="fk_offense_records_person_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_offense_records_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_offense_records"),
        sa.UniqueConstraint(
            "gallery_id",
            "person_id",
            "record_id",
            name="uq_offense_records_gallery_id_person_id_record_id",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_offense_records_person_id", "offense_records", ["person_id"])
    op.create_table(
        "searches",
        sa.Column("id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("probe", sa.String(200), nullable=False),
        sa.Column("maker", sa.String(200), nullable=False),
        sa.Column("fpir", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("gallery_size", sa.Integer(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("max_candidates", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_searches_submission_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_searches"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_searches_submission_id", "searches", ["submission_id"])
    op.create_table(
        "prints",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("encounter_id", ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ppi", sa.Float(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("position BETWEEN 0 AND 10", name=op.f("ck_prints_position")),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounters.id"], name="fk_prints_encounter_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name="fk_prints_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_prints"),
        sa.UniqueConstraint(
            "person_id", "position", "sha256", name="uq_prints_person_id_position_sha256"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_prints_encounter_id", "prints", ["encounter_id"])
    op.create_table(
        "search_candidates",
        sa.Column("search_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("gallery", sa.String(64), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("llr", sa.Float(), nullable=False),
        sa.Column("gap", sa.Float(), nullable=False),
        sa.Column("over_threshold", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["searches.id"],
            name="fk_search_candidates_search_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("search_id", "rank", name="pk_search_candidates"),
    )
    op.create_index("ix_search_candidates_person", "search_candidates", ["person"])
    op.create_table(
        "search_galleries",
        sa.Column("search_id", ID, nullable=False),
        sa.Column("gallery", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"], ["searches.id"], name="fk_search_galleries_search_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "gallery", name="pk_search_galleries"),
    )
    op.create_table(
        "search_probes",
        sa.Column("search_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"], ["searches.id"], name="fk_search_probes_search_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "number", name="pk_search_probes"),
    )
    op.create_table(
        "images",
        sa.Column("print_id", ID, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["print_id"], ["prints.id"], name="fk_images_print_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("print_id", name="pk_images"),
    )
    op.create_table(
        "templates",
        sa.Column("id", ID, nullable=False),
        sa.Column("print_id", ID, nullable=False),
        sa.Column("gallery_id", ID, nullable=False),
        sa.Column("maker", sa.String(200), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["gallery_id"], ["galleries.id"], name="fk_templates_gallery_id"),
        sa.ForeignKeyConstraint(
            ["print_id"], ["prints.id"], name="fk_templates_print_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.UniqueConstraint("gallery_id", "print_id", name="uq_templates_gallery_id_print_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_templates_print_id", "templates", ["print_id"])
    op.bulk_insert(
        sa.table(
            "clock", sa.column("id", sa.SmallInteger()), sa.column("sequence", sa.BigInteger())
        ),
        [{"id": 1, "sequence": 0}],
    )


def downgrade() -> None:
    for table in (
        "templates",
        "images",
        "search_probes",
        "search_galleries",
        "search_candidates",
        "prints",
        "searches",
        "offense_records",
        "encounters",
        "changes",
        "submissions",
        "persons",
        "galleries",
        "clock",
    ):
        op.drop_table(table)
