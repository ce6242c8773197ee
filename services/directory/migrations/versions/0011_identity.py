"""Who was checked before an invitation, single sign-on, and what names look like."""

import sqlalchemy as sa
from alembic import op
from concord_formats.names import skeleton

revision = "0011"
down_revision = "0010"


# Rows in one statement, of a few hundred bytes each.
BATCH = 500


def upgrade() -> None:
    _skeletons()
    _identity_checks()
    _providers()
    _sign_on_sessions()


def _identity_checks() -> None:
    op.create_table(
        "identity_check",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(length=32), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("attestor_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("line", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "how IN ('in-person-photo-id', 'video-photo-id', 'known-in-person', 'credentialing-file')",
            name="ck_identity_check_how",
        ),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_identity_check_practitioner_id"),
        sa.ForeignKeyConstraint(["attestor_id"], ["practitioner.id"], name="fk_identity_check_attestor_id"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="fk_identity_check_device_id"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_identity_check"),
    )


def _providers() -> None:
    op.create_table(
        "identity_provider",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=2000), nullable=False),
        sa.Column("client_id", sa.String(length=300), nullable=False),
        sa.Column("client_secret", sa.String(length=1000), nullable=True),
        sa.Column("required_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_identity_provider_organization_id"),
        sa.PrimaryKeyConstraint("organization_id", name="pk_identity_provider"),
    )
    op.create_table(
        "sign_on_subject",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=2000), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("known_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_sign_on_subject_practitioner_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_sign_on_subject_organization_id"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_sign_on_subject"),
        sa.UniqueConstraint("organization_id", "issuer", "subject", name="uq_sign_on_subject"),
    )


def _sign_on_sessions() -> None:
    op.create_table(
        "sign_on_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("entry_sha256", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=2000), nullable=False),
        sa.Column("state_sha256", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("code_sha256", sa.String(length=64), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('enrolment', 'device', 'recovery', 'recovery-case')", name="ck_sign_on_session_purpose"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'returned', 'answered', 'done', 'failed', 'used')", name="ck_sign_on_session_state"
        ),
        sa.CheckConstraint(
            "reason IN ('refused-by-provider', 'provider-unreachable', 'invalid-answer', 'other-person',"
            " 'provider-changed', 'wrong-code')",
            name="ck_sign_on_session_reason",
        ),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name="fk_sign_on_session_practitioner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_on_session"),
        sa.UniqueConstraint("state_sha256", name="uq_sign_on_session_state_sha256"),
    )
    op.create_index("ix_sign_on_session_entry", "sign_on_session", ["practitioner_id", "entry_sha256"])
    op.create_index("ix_sign_on_session_expires_at", "sign_on_session", ["expires_at"])


def _skeletons() -> None:
    """What each name looks like. One that a process of the version before writes meanwhile is compared with none."""
    op.add_column("practitioner", sa.Column("skeleton", sa.String(length=600), nullable=True))
    people = sa.table("practitioner", sa.column("id", sa.Uuid), sa.column("name"), sa.column("skeleton"))
    connection = op.get_bind()
    known = connection.execute(sa.select(people.c.id, people.c.name)).all()
    fill = sa.update(people).where(people.c.id == sa.bindparam("row")).values(skeleton=sa.bindparam("looks"))
    for start in range(0, len(known), BATCH):
        some = known[start : start + BATCH]
        connection.execute(fill, [{"row": each.id, "looks": skeleton(each.name)[:600]} for each in some])
    op.create_index("ix_practitioner_skeleton", "practitioner", ["skeleton"])
