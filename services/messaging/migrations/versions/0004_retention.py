"""When a letter's bytes were deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("letter", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
