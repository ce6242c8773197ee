"""Restrictions that were agreed to, and coordination that was declined."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "restriction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("discloser_kind", sa.String(length=16), nullable=False),
        sa.Column("discloser_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_kind", sa.String(length=16), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("information", sa.JSON(), nullable=False),
        sa.Column("sensitivity", sa.JSON(), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_how", sa.String(length=24), nullable=True),
        sa.Column("feed_epoch", sa.Uuid(), nullable=True),
        sa.Column("feed_seq", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('agreed', 'declined-by-provider', 'ended')", name=op.f("ck_restriction_status")),
        sa.CheckConstraint("(recipient_kind IS NULL) = (recipient_id IS NULL)", name=op.f("ck_restriction_recipient")),
        sa.ForeignKeyConstraint(["patient"], ["patient.token"], name=op.f("fk_restriction_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restriction")),
    )
    op.create_index("ix_restriction_patient", "restriction", ["patient", "created_at", "id"])
    op.create_table(
        "declined",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("party_kind", sa.String(length=16), nullable=True),
        sa.Column("party_id", sa.Uuid(), nullable=True),
        sa.Column("declined_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(party_kind IS NULL) = (party_id IS NULL)", name=op.f("ck_declined_party")),
        sa.ForeignKeyConstraint(["patient"], ["patient.token"], name=op.f("fk_declined_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declined")),
    )
    op.create_index("ix_declined_patient", "declined", ["patient", "organization", "created_at", "id"])
