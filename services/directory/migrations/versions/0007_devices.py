"""Pairings, transfers, backups and guesses at them; when a device last signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("device", sa.Column("last_signed_in_at", sa.DateTime(timezone=True), nullable=True))
    _pairings()
    _backups()


def _pairings() -> None:
    op.create_table(
        "pairing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("verifier", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_pairing_practitioner_id"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_pairing_device_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pairing"),
    )
    for column in ("practitioner_id", "device_id", "expires_at"):
        op.create_index(f"ix_pairing_{column}", "pairing", [column], unique=False)
    op.create_table(
        "transfer",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("transfer", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_transfer_device_id"),
        sa.PrimaryKeyConstraint("device_id", name="pk_transfer"),
    )


def _backups() -> None:
    op.create_table(
        "backup",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("backup", sa.LargeBinary(), nullable=False),
        sa.Column("verifier", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_backup_practitioner_id"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_backup"),
    )
    op.create_table(
        "recovery_guesses",
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_sha256", name="pk_recovery_guesses"),
    )
    op.create_index("ix_recovery_guesses_since", "recovery_guesses", ["since"], unique=False)
