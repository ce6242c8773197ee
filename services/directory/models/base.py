"""What every table of the directory stands on, and the chassis' own tables in it.

Owns the metadata. Refuses tables of the domain: those have files of their own.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import DeclarativeBase

from services.chassis.db import naming
from services.chassis.tables import EnforcementPointRow, FeedEventRow, FeedRow, OutboxRow


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """The constraint that a column holds one of these words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Base(DeclarativeBase):
    """The directory's tables."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait for the broker."""


class Feed(FeedRow, Base):
    """The number of the last change that messaging must follow."""


class FeedEvent(FeedEventRow, Base):
    """The numbered changes themselves."""


class EnforcementPoint(EnforcementPointRow, Base):
    """Who follows the feed, and how far each has come."""
