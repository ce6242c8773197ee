"""The consent service's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("discloser_kind", sa.String(length=16), nullable=False),
        sa.Column("discloser_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_kind", sa.String(length=16), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_discloser", "consent", ["discloser_id", "created_at", "id"], unique=False)
    op.create_index("ix_consent_recipient", "consent", ["recipient_id", "created_at", "id"], unique=False)
    op.create_table(
        "disclosure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("consent_version", sa.Integer(), nullable=False),
        sa.Column("letter", sa.Uuid(), nullable=False),
        sa.Column("sender", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("information", sa.JSON(), nullable=False),
        sa.Column("sensitivity", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
        sa.UniqueConstraint("event_id", name=op.f("uq_disclosure_event_id")),
    )
    op.create_index("ix_disclosure_consent", "disclosure", ["consent", "id"], unique=False)
    op.create_table(
        "enforcement_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("first_granted", sa.BigInteger(), nullable=False),
        sa.Column("time_bounded", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enforcement_point")),
    )
    op.create_table(
        "evidence_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_upload")),
    )
    op.create_index(op.f("ix_evidence_upload_started_at"), "evidence_upload", ["started_at"], unique=False)
    op.create_table(
        "feed",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_feed")),
    )
    op.create_table(
        "feed_event",
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("epoch", "seq", name=op.f("pk_feed_event")),
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_handled_at"), "inbox", ["handled_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "consent_version",
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("mutual", sa.Boolean(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("information", sa.JSON(), nullable=False),
        sa.Column("sensitivity", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("evidence_upload", sa.Uuid(), nullable=True),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=True),
        sa.Column("evidence_size", sa.Integer(), nullable=True),
        sa.Column("evidence_signed_on", sa.Date(), nullable=True),
        sa.Column("evidence_method", sa.String(length=16), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_by", sa.Uuid(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feed_epoch", sa.Uuid(), nullable=True),
        sa.Column("feed_seq", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'revoked', 'superseded')", name=op.f("ck_consent_version_status")
        ),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_consent_version_window")),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"], name=op.f("fk_consent_version_consent")),
        sa.PrimaryKeyConstraint("consent", "number", name=op.f("pk_consent_version")),
    )
    op.create_index(
        "uq_consent_version_active",
        "consent_version",
        ["consent"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )
    op.create_index(
        "uq_consent_version_draft",
        "consent_version",
        ["consent"],
        unique=True,
        postgresql_where=sa.text("status = 'draft'"),
        sqlite_where=sa.text("status = 'draft'"),
    )
    op.create_table(
        "evidence_chunk",
        sa.Column("upload", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload"], ["evidence_upload.id"], name=op.f("fk_evidence_chunk_upload"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload", "place", name=op.f("pk_evidence_chunk")),
    )
    op.create_table(
        "consent_direction",
        sa.Column("consent", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("accepted_sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint("place IN (0, 1)", name=op.f("ck_consent_direction_place")),
        sa.ForeignKeyConstraint(
            ["consent", "version"],
            ["consent_version.consent", "consent_version.number"],
            name=op.f("fk_consent_direction_consent"),
        ),
        sa.PrimaryKeyConstraint("consent", "version", "place", name=op.f("pk_consent_direction")),
    )
    # ### end Alembic commands ###
