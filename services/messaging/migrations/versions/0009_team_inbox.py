"""An index of the letters of each team."""

from services.chassis.migrate import build_index

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    build_index("ix_letter_team", "letter", ["team", "team_place"], "team_place IS NOT NULL")
