"""The account of disclosures as a numbered, tamper-evident log.

Lines that are there already have no number, since messaging did not count then: they stay as they are, outside of the
log, and nothing vouches for them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


_LINE: list[sa.Column[Any]] = [
    sa.Column("patient", sa.String(length=40), nullable=True),
    sa.Column("n", sa.BigInteger(), nullable=True),
    sa.Column("basis", sa.String(length=16), nullable=True),
    sa.Column("label_reason", sa.String(length=32), nullable=True),
    sa.Column("notice", sa.Boolean(), nullable=True),
    sa.Column("sender_organization", sa.Uuid(), nullable=True),
    sa.Column("leaf", sa.BigInteger(), nullable=True),
    sa.Column("salt", sa.LargeBinary(), nullable=True),
    sa.Column("body", sa.LargeBinary(), nullable=True),
]


def upgrade() -> None:
    op.create_table(
        "account_leaf",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_account_leaf")),
    )
    op.create_index("uq_account_leaf_patient", "account_leaf", ["patient", "n"], unique=True)
    op.create_table(
        "account_node",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_account_node")),
    )
    op.create_table(
        "account_log",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("single = 1", name=op.f("ck_account_log_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_account_log")),
    )
    op.create_table(
        "account_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_account_checkpoint")),
    )
    op.create_table(
        "account_gap",
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("patient", name=op.f("pk_account_gap")),
    )
    op.create_table(
        "account_alarm",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_account_alarm")),
    )
    with op.batch_alter_table("disclosure") as table:
        for column in _LINE:
            table.add_column(column)
        table.create_unique_constraint(op.f("uq_disclosure_leaf"), ["leaf"])
        table.create_foreign_key(op.f("fk_disclosure_leaf"), "account_leaf", ["leaf"], ["place"])
        table.create_check_constraint(op.f("ck_disclosure_numbered"), "(n IS NULL) = (leaf IS NULL)")
    op.create_index("uq_disclosure_patient", "disclosure", ["patient", "n"], unique=True)
