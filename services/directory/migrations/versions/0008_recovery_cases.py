"""Recovery cases and what administrators attest in them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_LIVE = sa.text("state IN ('opened', 'entered', 'announced')")


def upgrade() -> None:
    _cases()
    _attestations()


def _cases() -> None:
    op.create_table(
        "recovery_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("entry_sha256", sa.String(length=64), nullable=True),
        sa.Column("entry_n", sa.Integer(), nullable=True),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waited_seconds", sa.Float(precision=53), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ending", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "state IN ('opened', 'entered', 'announced', 'refused', 'completed', 'expired')",
            name="ck_recovery_case_state",
        ),
        sa.CheckConstraint("ending IN ('objected', 'overtaken')", name="ck_recovery_case_ending"),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_recovery_case_practitioner_id"),
        sa.ForeignKeyConstraint(["opened_by"], ["practitioner.id"], name="fk_recovery_case_opened_by"),
        sa.ForeignKeyConstraint(["ended_by"], ["practitioner.id"], name="fk_recovery_case_ended_by"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_case"),
    )
    op.create_index("ix_recovery_case_practitioner_id", "recovery_case", ["practitioner_id"], unique=False)
    op.create_index(
        "uq_recovery_case_live",
        "recovery_case",
        ["practitioner_id"],
        unique=True,
        postgresql_where=_LIVE,
        sqlite_where=_LIVE,
    )


def _attestations() -> None:
    op.create_table(
        "recovery_attestation",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attestor_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["recovery_case.id"], name="fk_recovery_attestation_case_id"),
        sa.ForeignKeyConstraint(["attestor_id"], ["practitioner.id"], name="fk_recovery_attestation_attestor_id"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_recovery_attestation_device_id"),
        sa.PrimaryKeyConstraint("case_id", "attestor_id", name="pk_recovery_attestation"),
    )
