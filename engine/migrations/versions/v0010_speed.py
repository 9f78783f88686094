"""What would be looked for row by row among millions: how many templates of a gallery are searched,
when a service starts; the prints of a person, when one is removed."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0008"

SEARCHED, OF_PERSON = "ix_templates_gallery_id_active", "ix_prints_person_id"


def upgrade() -> None:
    op.create_index(SEARCHED, "templates", ["gallery_id", "active"])
    op.create_index(OF_PERSON, "prints", ["person_id"])


def downgrade() -> None:
    op.drop_index(OF_PERSON, "prints")
    op.drop_index(SEARCHED, "templates")
