"""Guesses at secrets, counted by where they come from.

Owns the count and its window. Refuses to lock anybody out for good: a window passes. Refuses sources in the clear: of
an address there is a digest. What a wrong guess is, and how many there may be, is said by whoever counts.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .config import Settings
from .tables import GuessesRow

# Whoever has one IPv6 address has all of a /64 (RFC 6177).
IPV6_NETWORK = 64


@dataclass(frozen=True)
class Counted:
    """How many guesses a source has made in its window, this one among them, and when the window ends."""

    number: int
    until: datetime


@dataclass(frozen=True)
class Guesses:
    """Guesses of one kind. `label` keeps the digests of one kind apart from those of another."""

    model: type[GuessesRow]
    label: str
    limit: int
    window: timedelta

    def too_many(self, session: Session, source: str, now: datetime) -> bool:
        """Whether a source has used up its guesses for now."""
        rows, begun = self.model, now - self.window
        query = select(rows.count).where(rows.source_sha256 == self._digest(source), rows.since > begun)
        return (session.scalars(query).one_or_none() or 0) >= self.limit

    def count(self, session: Session, source: str, now: datetime) -> Counted:
        """One more guess from a source, whose row stays locked until the transaction ends: guesses made at once are
        counted one after the other.
        """
        rows = self.model
        insert = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
        over = rows.since <= now - self.window
        again = {"count": case((over, 1), else_=rows.count + 1), "since": case((over, now), else_=rows.since)}
        first = insert(rows).values(source_sha256=self._digest(source), since=now, count=1)
        statement = first.on_conflict_do_update(index_elements=[rows.source_sha256], set_=again)
        number, since = session.execute(statement.returning(rows.count, rows.since)).one()
        return Counted(number, since + self.window)

    def take_back(self, session: Session, source: str) -> None:
        """The guess that was counted last was none."""
        rows = self.model
        session.execute(
            update(rows)
            .where(rows.source_sha256 == self._digest(source), rows.count > 0)
            .values(count=rows.count - 1)
            .execution_options(synchronize_session=False)
        )

    def sweep(self, session: Session, now: datetime) -> None:
        """Forget sources whose window has passed, but those that are being counted: nobody waits in a circle."""
        rows = self.model
        gone = select(rows.source_sha256).where(rows.since <= now - self.window).with_for_update(skip_locked=True)
        session.execute(delete(rows).where(rows.source_sha256.in_(gone)).execution_options(synchronize_session=False))

    def _digest(self, source: str) -> str:
        return hashlib.sha256(f"{self.label}\n{source}".encode()).hexdigest()


def client_address(settings: Settings) -> str:
    """Where the current request came from: behind a gateway, what the gateway says."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.behind_gateway else ""
    return forwarded.rpartition(",")[2].strip() or request.remote_addr or ""


def network_of(address: str) -> str:
    """What is counted as one source: an IPv4 address, or the network of an IPv6 one; any other text as it is."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    return str(read.ipv4_mapped or ipaddress.ip_network((read.packed, IPV6_NETWORK), strict=False))
