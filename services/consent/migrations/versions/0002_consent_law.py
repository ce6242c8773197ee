"""What the law asks of each type of consent.

A version that is there already gets the type that its labels take. Nothing is known of the statements of its form: it
is deficient until a version with all elements takes its place.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_VERSION: list[sa.Column[Any]] = [
    sa.Column("type", sa.String(length=32), nullable=False, server_default="hipaa-authorization"),
    sa.Column("expires_on", sa.String(length=32), nullable=True),
    sa.Column("evidence_form", sa.String(length=16), nullable=True),
    sa.Column("evidence_language", sa.String(length=16), nullable=True),
    sa.Column("evidence_statements", sa.JSON(), nullable=True),
    sa.Column("evidence_signer", sa.String(length=16), nullable=True),
    sa.Column("evidence_authority", sa.String(length=32), nullable=True),
    sa.Column("evidence_witness", sa.Uuid(), nullable=True),
    sa.Column("evidence_copy_given", sa.Boolean(), nullable=True),
    sa.Column("evidence_by", sa.Uuid(), nullable=True),
    sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("ended_by", sa.Uuid(), nullable=True),
    sa.Column("law", sa.String(length=16), nullable=True),
    sa.Column("reminded", sa.Integer(), nullable=True),
]


def upgrade() -> None:
    op.create_table(
        "patient",
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_patient")),
    )
    op.execute("INSERT INTO patient (token) SELECT DISTINCT patient FROM consent")
    with op.batch_alter_table("consent") as table:
        table.add_column(sa.Column("revoked_as", sa.String(length=16), nullable=True))
        table.add_column(sa.Column("letter", sa.Uuid(), nullable=True))
        table.create_foreign_key(op.f("fk_consent_patient"), "patient", ["patient"], ["token"])
        table.create_index("ix_consent_patient", ["patient", "created_at", "id"])
    for column in _VERSION:
        op.add_column("consent_version", column)
    op.execute(
        "UPDATE consent_version SET type = 'part-2-consent' WHERE CAST(sensitivity AS TEXT) LIKE '%\"part-2\"%'"
    )
    op.execute(
        "UPDATE consent_version SET evidence_form = 'own', evidence_language = 'other', evidence_statements = '[]',"
        " evidence_signer = 'patient', evidence_copy_given = false WHERE evidence_sha256 IS NOT NULL"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("consent_version", "type", server_default=None)
    op.create_index(
        "ix_consent_version_ends",
        "consent_version",
        ["valid_until"],
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )
