"""The barrier: when may a change be called effective.

Owns the rule and the waiting. Refuses the time of day: what is measured is measured since boot, by this process
alone, and a process that starts afresh measures afresh. Specified in `spec/feeds.md`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from .clock import Clock
from .failpoints import reach
from .feed import CHANNEL, Feed

# Two machines' clocks may run at rates that differ; quartz differs by 0.01 %, a badly virtualised clock by a few per
# cent.
RATE_MARGIN = 1.05
LOOK_SECONDS = 0.25
PENDING_AT_ONCE = 500


@dataclass(frozen=True)
class Point:
    """What an authority knows of one enforcement point."""

    epoch: UUID
    applied: int
    first_granted: int
    time_bounded: bool


@dataclass(frozen=True)
class View:
    """The feed and those who follow it, at one instant."""

    epoch: UUID
    seq: int
    restored: bool
    points: tuple[Point, ...]


def lagging(points: Iterable[Point], epoch: UUID, seq: int) -> list[Point]:
    """The enforcement points that may still act against change `seq`: granted a lease before it, and not reported at
    it.

    A report from another epoch says nothing about this one.
    """
    return [p for p in points if p.epoch != epoch or (p.first_granted < seq and p.applied < seq)]


class Barrier:
    """The barrier of one authority, as one process sees it. Thread-safe.

    A number is remembered with its epoch: after a restore under a running process the same number may be another
    change, which has not waited yet.
    """

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._longest = (feed.lease_seconds + feed.deadline_seconds) * RATE_MARGIN
        self._first_seen: dict[tuple[UUID, int], float] = {}
        self._epochs: dict[UUID, float] = {}
        self._settled: tuple[UUID, int] | None = None
        self._lock = threading.Lock()

    def await_effective(self, seq: int, timeout: float) -> bool:
        """Whether change `seq`, which is committed, holds at every enforcement point; waits at most `timeout`
        seconds.
        """
        end = time.monotonic() + timeout
        with self._feed.notifier.listening(CHANNEL) as bell:
            while not self.effective(seq):
                remaining = end - time.monotonic()
                if remaining <= 0:
                    return False
                bell.wait(min(remaining, LOOK_SECONDS))
        return True

    def effective(self, seq: int) -> bool:
        """Whether change `seq` holds everywhere now; once it does, that is written down."""
        event = self._feed.tables.FeedEvent
        with self._feed.database.transaction() as session:
            if session.scalar(select(event.seq).where(event.seq == seq, event.effective_at.is_not(None))) is not None:
                return True
        view = self._view()
        if view is None or not self._holds(view, seq):
            return False
        self._persist([seq])
        return True

    def settle_pending(self) -> None:
        """Write down every change that has become effective, whether or not anybody asks; the worker's work."""
        view = self._view()
        if view is None or (view.epoch, view.seq) == self._settled:
            return
        event = self._feed.tables.FeedEvent
        query = select(event.seq).where(event.effective_at.is_(None)).order_by(event.seq).limit(PENDING_AT_ONCE)
        with self._feed.database.transaction() as session:
            pending = list(session.scalars(query))
        holding = [seq for seq in pending if self._holds(view, seq)]
        self._persist(holding)
        if len(holding) == len(pending) < PENDING_AT_ONCE:
            self._settled = (view.epoch, view.seq)

    def _holds(self, view: View, seq: int) -> bool:
        if seq > view.seq:
            return False  # not committed when the view was taken: its time has not begun
        now = self._clock.boottime()
        with self._lock:
            first_seen = self._first_seen.setdefault((view.epoch, seq), now)
            epoch_seen = self._epochs.setdefault(view.epoch, now)
        if view.restored and now - epoch_seen < self._longest:
            return False  # somebody whom the restored database does not know may still hold a lease of the old epoch
        late = lagging(view.points, view.epoch, seq)
        if all(point.time_bounded for point in late):
            return not late or now - first_seen >= self._longest
        return False

    def _view(self) -> View | None:
        tables = self._feed.tables
        with self._feed.database.transaction() as session:
            row = session.scalars(select(tables.Feed)).first()
            if row is None:
                return None  # nothing was ever numbered
            points = tuple(
                Point(p.epoch, p.applied, p.first_granted, p.time_bounded)
                for p in session.scalars(select(tables.EnforcementPoint))
            )
            return View(row.epoch, row.seq, row.restored, points)

    def _persist(self, numbers: list[int]) -> None:
        if not numbers:
            return
        reach("barrier.before_persist")
        event = self._feed.tables.FeedEvent
        fresh = update(event).where(event.seq.in_(numbers), event.effective_at.is_(None))
        with self._feed.database.transaction() as session:
            session.execute(fresh.values(effective_at=self._clock.now()))
        reach("barrier.after_persist")
        with self._lock:
            self._first_seen = {key: seen for key, seen in self._first_seen.items() if key[1] not in numbers}
        self._feed.notifier.notify(CHANNEL)
