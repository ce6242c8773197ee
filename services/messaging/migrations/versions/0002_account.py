"""Numbered disclosures: the authoritative account.

What happened before has no number: it was told by events, which the consent service has kept. Numbers begin at 1 with
the first disclosure after this.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "patient_account",
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patient", name=op.f("pk_patient_account")),
    )
    op.create_table(
        "disclosure",
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("patient", "n", name=op.f("pk_disclosure")),
    )
