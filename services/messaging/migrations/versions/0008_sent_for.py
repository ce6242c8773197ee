"""An index of the letters that were sent on behalf of somebody."""

from services.chassis.migrate import build_index

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    build_index("ix_letter_for", "letter", ["on_behalf_of", "accepted_at", "id"], "on_behalf_of IS NOT NULL")
