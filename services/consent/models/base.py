"""What every table of the consent service stands on, and the chassis' own tables in it.

Owns the metadata. Refuses tables of the domain: those have files of their own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase

from services.chassis.db import naming
from services.chassis.tables import EnforcementPointRow, FeedEventRow, FeedRow, InboxRow, OutboxRow


def only(condition: str) -> dict[str, Any]:
    """The condition of a partial index, in the dialect of each database."""
    clause = text(condition)
    return {"postgresql_where": clause, "sqlite_where": clause}


class Base(DeclarativeBase):
    """The consent service's tables."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait for the broker."""


class Inbox(InboxRow, Base):
    """Ids of the events that were handled."""


class Feed(FeedRow, Base):
    """The number of the last change that messaging must follow."""


class FeedEvent(FeedEventRow, Base):
    """The numbered changes themselves."""


class EnforcementPoint(EnforcementPointRow, Base):
    """Who follows the feed, and how far each has come."""
