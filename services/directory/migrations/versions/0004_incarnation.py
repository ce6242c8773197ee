"""A feed knows whose database it stands in. Apart from 0003: nobody who writes is between two locked tables."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("feed", sa.Column("incarnation", sa.String(length=80), nullable=True))
