"""An index of the letters that still have their bytes."""

from services.chassis.migrate import build_index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    build_index("ix_letter_kept", "letter", ["accepted_at"], "deleted_at IS NULL")
