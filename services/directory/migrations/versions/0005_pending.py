"""An index of the changes that do not hold everywhere yet."""

from services.chassis.migrate import build_index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    build_index("ix_feed_event_pending", "feed_event", ["seq"], "effective_at IS NULL")
