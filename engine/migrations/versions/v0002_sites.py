"""What scores mean in a gallery: sites, the rate chosen for it, and both kept with searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("galleries", sa.Column("fpir", sa.Float(), nullable=True))
    op.add_column("search_galleries", sa.Column("calibration", sa.Text(), nullable=True))
    op.create_table(
        "sites",
        sa.Column("gallery_id", ID, nullable=False),
        sa.Column("fingers", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("scoring", sa.String(200), nullable=False),
        sa.Column("location", sa.Float(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("location_sd", sa.Float(), nullable=False),
        sa.Column("scale_sd", sa.Float(), nullable=False),
        sa.Column("correlation", sa.Float(), nullable=False),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("made", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gallery_id"], ["galleries.id"], name="fk_sites_gallery_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name="fk_sites_submission_id"
        ),
        sa.PrimaryKeyConstraint("gallery_id", "fingers", name="pk_sites"),
    )


def downgrade() -> None:
    op.drop_table("sites")
    op.drop_column("search_galleries", "calibration")
    op.drop_column("galleries", "fpir")
