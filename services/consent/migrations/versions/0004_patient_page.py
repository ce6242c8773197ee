"""The patient's own page: codes, sessions, guesses, neutral names."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "patient_code",
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("practitioner", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["patient"], ["patient.token"], name=op.f("fk_patient_code_patient")),
        sa.PrimaryKeyConstraint("patient", "practitioner", name=op.f("pk_patient_code")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_patient_code_code_sha256")),
    )
    op.create_table(
        "patient_session",
        sa.Column("cookie_sha256", sa.String(length=64), nullable=False),
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("practitioner", sa.Uuid(), nullable=False),
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("cookie_sha256", name=op.f("pk_patient_session")),
    )
    op.create_index(op.f("ix_patient_session_patient"), "patient_session", ["patient"])
    op.create_index(op.f("ix_patient_session_seen_at"), "patient_session", ["seen_at"])
    op.create_table(
        "patient_guess",
        sa.Column("address_sha256", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address_sha256", name=op.f("pk_patient_guess")),
    )
    op.create_index(op.f("ix_patient_guess_since"), "patient_guess", ["since"])
    op.create_table(
        "neutral_name",
        sa.Column("organization", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_neutral_name")),
    )
