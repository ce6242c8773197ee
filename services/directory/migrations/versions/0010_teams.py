"""Departments, teams, delegations and coverage."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ACTIVE = sa.text("status = 'active'")


def upgrade() -> None:
    _departments()
    _teams()
    _team_members()
    _delegations()
    _coverage()


def _departments() -> None:
    op.create_table(
        "department",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("folded", sa.String(length=600), nullable=False),
        sa.Column("look", sa.String(length=600), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_department_organization_id_organization"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_department"),
    )
    op.create_index("uq_department_look", "department", ["organization_id", "look"], unique=True)
    op.create_table(
        "department_member",
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name="fk_department_member_department_id_department"
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name="fk_department_member_practitioner_id_practitioner"
        ),
        sa.PrimaryKeyConstraint("department_id", "practitioner_id", name="pk_department_member"),
    )
    op.create_index("ix_department_member_practitioner_id", "department_member", ["practitioner_id"])


def _teams() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("folded", sa.String(length=600), nullable=False),
        sa.Column("look", sa.String(length=600), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("standing_epoch", sa.Uuid(), nullable=True),
        sa.Column("standing_seq", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('active', 'closed')", name="ck_team_status"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_team_organization_id_organization"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_team_department_id_department"),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
    )
    op.create_index("ix_team_organization_id", "team", ["organization_id"])
    op.create_index("ix_team_department_id", "team", ["department_id"])
    op.create_index("ix_team_folded", "team", ["folded", "id"])
    op.create_index(
        "uq_team_look",
        "team",
        ["organization_id", "look"],
        unique=True,
        postgresql_where=_ACTIVE,
        sqlite_where=_ACTIVE,
    )


def _team_members() -> None:
    op.create_table(
        "team_member",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing_epoch", sa.Uuid(), nullable=True),
        sa.Column("standing_seq", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("status IN ('member', 'removed')", name="ck_team_member_status"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_team_member_team_id_team"),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name="fk_team_member_practitioner_id_practitioner"
        ),
        sa.PrimaryKeyConstraint("team_id", "practitioner_id", name="pk_team_member"),
    )
    op.create_index("ix_team_member_practitioner_id", "team_member", ["practitioner_id"])


def _delegations() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("delegator_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("standing_epoch", sa.Uuid(), nullable=True),
        sa.Column("standing_seq", sa.BigInteger(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('active', 'revoked')", name="ck_delegation_status"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_delegation_organization_id_organization"
        ),
        sa.ForeignKeyConstraint(["delegator_id"], ["practitioner.id"], name="fk_delegation_delegator_id_practitioner"),
        sa.ForeignKeyConstraint(["delegate_id"], ["practitioner.id"], name="fk_delegation_delegate_id_practitioner"),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
    )
    for column in ("organization_id", "delegator_id", "delegate_id"):
        op.create_index(f"ix_delegation_{column}", "delegation", [column])


def _coverage() -> None:
    op.create_table(
        "coverage",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("covering_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name="fk_coverage_practitioner_id_practitioner"
        ),
        sa.ForeignKeyConstraint(["covering_id"], ["practitioner.id"], name="fk_coverage_covering_id_practitioner"),
        sa.PrimaryKeyConstraint("practitioner_id", name="pk_coverage"),
    )
    op.create_index("ix_coverage_covering_id", "coverage", ["covering_id"])
    op.create_index("ix_coverage_ends_at", "coverage", ["ends_at"])
