"""What a service reads when it starts: how many templates of a gallery are searched, without a look
at every one of them."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0008"

NAME = "ix_templates_gallery_id_active"


def upgrade() -> None:
    op.create_index(NAME, "templates", ["gallery_id", "active"])


def downgrade() -> None:
    op.drop_index(NAME, "templates")
