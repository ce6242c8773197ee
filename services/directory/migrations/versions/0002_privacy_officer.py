"""A role for privacy officers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ROLES = sa.text("role IN ('practitioner', 'administrator', 'privacy-officer')")


def upgrade() -> None:
    with op.batch_alter_table("practitioner") as table:
        table.drop_constraint(op.f("ck_practitioner_role"), type_="check")
        table.create_check_constraint(op.f("ck_practitioner_role"), _ROLES)
