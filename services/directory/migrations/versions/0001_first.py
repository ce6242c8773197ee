"""The directory's first tables, and the lock on the past of key histories."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _feed()
    _people()
    _keys()
    _signing_in()
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _feed() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_table(
        "feed",
        sa.Column("single", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("single", name="pk_feed"),
    )
    op.create_table(
        "feed_event",
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("epoch", "seq", name="pk_feed_event"),
    )
    op.create_table(
        "enforcement_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("first_granted", sa.BigInteger(), nullable=False),
        sa.Column("time_bounded", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enforcement_point"),
    )


def _people() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("folded", sa.String(length=600), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
    )
    op.create_index("ix_organization_folded", "organization", ["folded", "id"], unique=False)
    op.create_table(
        "practitioner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("folded", sa.String(length=600), nullable=False),
        sa.Column("npi", sa.String(length=10), nullable=True),
        sa.Column("taxonomy", sa.String(length=10), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("standing_epoch", sa.Uuid(), nullable=True),
        sa.Column("standing_seq", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('practitioner', 'administrator')", name="ck_practitioner_role"),
        sa.CheckConstraint("status IN ('invited', 'active', 'suspended')", name="ck_practitioner_status"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_practitioner_organization_id"),
        sa.PrimaryKeyConstraint("id", name="pk_practitioner"),
    )
    op.create_index("ix_practitioner_folded", "practitioner", ["folded", "id"], unique=False)
    op.create_index("ix_practitioner_npi", "practitioner", ["npi"], unique=False)
    op.create_index("ix_practitioner_organization_id", "practitioner", ["organization_id"], unique=False)
    op.create_index("uq_practitioner_npi", "practitioner", ["organization_id", "npi"], unique=True)
    op.create_table(
        "invitation",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_invitation_practitioner_id"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_invitation"),
    )


def _keys() -> None:
    op.create_table(
        "key_entry",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_key_entry_practitioner_id"),
        sa.PrimaryKeyConstraint("practitioner_id", "n", name="pk_key_entry"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("authentication", sa.String(length=43), nullable=False),
        sa.Column("thumbprint", sa.String(length=43), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("standing_epoch", sa.Uuid(), nullable=True),
        sa.Column("standing_seq", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'revoked')", name="ck_device_status"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_device_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("thumbprint", name="uq_device_thumbprint"),
    )
    op.create_index("ix_device_practitioner_id", "device", ["practitioner_id"], unique=False)


def _signing_in() -> None:
    op.create_table(
        "used_assertion",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("jti", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_used_assertion_device_id"),
        sa.PrimaryKeyConstraint("device_id", "jti", name="pk_used_assertion"),
    )
    op.create_index("ix_used_assertion_expires_at", "used_assertion", ["expires_at"], unique=False)
    op.create_table(
        "token_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("signs_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_token_key"),
    )


APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER key_entry_no_{verb} BEFORE {verb.upper()} ON key_entry "
        "BEGIN SELECT RAISE(ABORT, 'key entries are never changed'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION key_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'key entries are never changed'; END $$",
        "CREATE TRIGGER key_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON key_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION key_entry_append_only()",
    ],
}
