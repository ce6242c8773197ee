"""Who was checked before an invitation, and single sign-on."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nothing yet."""
