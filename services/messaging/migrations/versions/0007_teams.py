"""Teams and delegations as followed, and which letters went to the one and under the other."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "known_member",
        sa.Column("team", sa.Uuid(), nullable=False),
        sa.Column("practitioner", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("team", "practitioner", name=op.f("pk_known_member")),
    )
    op.create_table(
        "known_delegation",
        sa.Column("delegation", sa.Uuid(), nullable=False),
        sa.Column("delegator", sa.Uuid(), nullable=True),
        sa.Column("delegate", sa.Uuid(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("delegation", name=op.f("pk_known_delegation")),
    )
    op.add_column("letter", sa.Column("on_behalf_of", sa.Uuid(), nullable=True))
    op.add_column("letter", sa.Column("team", sa.Uuid(), nullable=True))
    op.add_column("letter", sa.Column("team_place", sa.BigInteger(), nullable=True))
