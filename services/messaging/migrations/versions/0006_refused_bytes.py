"""Which bytes were refused, so that the same request twice is one refusal."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("refusal", sa.Column("digest", sa.String(length=64), nullable=True))
