"""Releases in an emergency, their review, and notices to people."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "emergency",
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"], name=op.f("fk_emergency_consent")),
        sa.PrimaryKeyConstraint("consent", name=op.f("pk_emergency")),
    )
    op.create_index("ix_emergency_organization", "emergency", ["organization", "declared_at", "consent"])
    op.create_index("ix_emergency_declared", "emergency", ["declared_by", "declared_at"])
    op.create_index(
        "ix_emergency_waiting",
        "emergency",
        ["declared_by"],
        postgresql_where=sa.text("reviewed_at IS NULL"),
        sqlite_where=sa.text("reviewed_at IS NULL"),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("party_kind", sa.String(length=16), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("uq_notice_addressee", "notice", ["event_id", "party_kind", "party_id"], unique=True)
    op.create_index("ix_notice_party", "notice", ["party_id", "id"])
