"""Who follows a feed: one row for each enforcement point, as its last report left it.

Owns the record of reports, and when an enforcement point may be forgotten. Refuses the time of day for that: a clock
that is set forward would make a follower look long gone while its lease still stands. Specified in `spec/feeds.md`.

Everything here runs under the lock of the feed's row: a report and a forgetting that crossed would leave a lease
without a record.
"""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .clock import Clock
from .feed_messages import LeaseRequest
from .tables import EnforcementPointRow

# Hundreds of lease times: whoever asked for nothing that long holds nothing. When it comes back it is as if new.
FORGOTTEN_AFTER_SECONDS = 3600.0


class EnforcementPoints:
    """The enforcement points of one feed. Thread-safe."""

    def __init__(self, clock: Clock, table: type[EnforcementPointRow]) -> None:
        self._clock = clock
        self._table = table
        self._silent_since: dict[tuple[UUID, datetime], float] = {}
        self._lock = threading.Lock()

    def record(self, session: Session, request: LeaseRequest, seq: int) -> bool:
        """Write down a report, and that a lease carrying `seq` is granted; whether the report says anything new.

        A report never goes back within an epoch; in another epoch it begins afresh.
        """
        table = self._table
        mine = table.id == request.enforcement_point
        known = session.execute(select(table.epoch, table.applied).where(mine)).first()
        values = {
            "epoch": request.epoch,
            "applied": request.applied,
            "first_granted": seq,
            "time_bounded": request.time_bounded,
            "seen_at": self._clock.now(),
        }
        if known is None:
            session.execute(insert(table).values(id=request.enforcement_point, **values))
            return True
        if known.epoch == request.epoch:
            values["applied"] = max(known.applied, request.applied)
            del values["first_granted"]
        session.execute(update(table).where(mine).values(values))
        return bool(known.epoch != request.epoch or known.applied < request.applied)

    def forget_silent(self, session: Session) -> None:
        """Forget those that time bounds and that this process has seen silent for long, counted since boot."""
        table = self._table
        rows = session.execute(select(table.id, table.seen_at).where(table.time_bounded)).all()
        now = self._clock.boottime()
        with self._lock:
            since = {(row.id, row.seen_at): self._silent_since.get((row.id, row.seen_at), now) for row in rows}
            self._silent_since = since
        silent = [point for (point, _), began in since.items() if now - began >= FORGOTTEN_AFTER_SECONDS]
        session.execute(delete(table).where(table.id.in_(silent)))

    def forget(self, session: Session, point: UUID) -> bool:
        """Forget one by an operator's word that its database is gone and none of its processes runs; whether it was
        known.
        """
        gone = session.execute(delete(self._table).where(self._table.id == point).returning(self._table.id))
        return gone.first() is not None
