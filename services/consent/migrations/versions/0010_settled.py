"""A person has settled an alarm of the account."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("account_alarm", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
