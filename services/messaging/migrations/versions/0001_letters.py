"""Messaging's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "enforcement_point",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("single = 1", name=op.f("ck_enforcement_point_single")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_enforcement_point")),
    )
    op.create_table(
        "feed_position",
        sa.Column("feed", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=True),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_position")),
    )
    op.create_table(
        "known_consent",
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("grants", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("consent", name=op.f("pk_known_consent")),
    )
    op.create_table(
        "known_device",
        sa.Column("device", sa.Uuid(), nullable=False),
        sa.Column("practitioner", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_known_device")),
    )
    op.create_table(
        "known_practitioner",
        sa.Column("practitioner", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("practitioner", name=op.f("pk_known_practitioner")),
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sender", sa.Uuid(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("upload", sa.Uuid(), nullable=False),
        sa.Column("thread", sa.Uuid(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_index("ix_letter_sent", "letter", ["sender", "accepted_at", "id"], unique=False)
    op.create_table(
        "letter_chunk",
        sa.Column("upload", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upload", "place", name=op.f("pk_letter_chunk")),
    )
    op.create_table(
        "mailbox",
        sa.Column("recipient", sa.Uuid(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "refusal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("letter", sa.Uuid(), nullable=False),
        sa.Column("sender", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Uuid(), nullable=False),
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
    )
    op.create_index("ix_refusal_letter", "refusal", ["letter", "recipient"], unique=False)
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(op.f("ix_upload_started_at"), "upload", ["started_at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("letter", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("receipt_signature", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(state = 'released') = (place IS NOT NULL)", name=op.f("ck_delivery_released")),
        sa.CheckConstraint("state IN ('released', 'held', 'refused', 'expired')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(["letter"], ["letter.id"], name=op.f("fk_delivery_letter")),
        sa.PrimaryKeyConstraint("letter", "recipient", name=op.f("pk_delivery")),
    )
    op.create_index("uq_delivery_place", "delivery", ["recipient", "place"], unique=True)
    op.create_table(
        "held",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("letter", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["letter"], ["letter.id"], name=op.f("fk_held_letter")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_held")),
        sa.UniqueConstraint("letter", name=op.f("uq_held_letter")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Sealed bytes do not compress: stored plain, a window of them is read without reading the rest.
        op.execute("ALTER TABLE letter_chunk ALTER COLUMN body SET STORAGE EXTERNAL")
