"""The barrier: when may a change be called effective.

Owns the rule and the waiting. Refuses the time of day: what is measured is measured since boot, by this process
alone, and a process that starts afresh measures afresh. Specified in `spec/feeds.md`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, tuple_, update

from . import incarnation, metrics
from .clock import Clock
from .db import DatabaseUnavailableError
from .event import Event, EventError
from .failpoints import reach
from .feed import CHANNEL, Feed, Number

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
    """The feed and those who follow it, at one instant, in one incarnation of the database."""

    epoch: UUID
    seq: int
    restored: bool
    points: tuple[Point, ...]
    incarnation: str | None


class LostChangeError(DatabaseUnavailableError):
    """A change was committed, and a restore or a fail-over took it back: whoever made it has to make it again."""


def lagging(points: Iterable[Point], epoch: UUID, seq: int) -> list[Point]:
    """The enforcement points that may still act against change `seq`: granted a lease before it, and not reported at
    it.

    A report from another epoch says nothing about this one.
    """
    return [p for p in points if p.epoch != epoch or (p.first_granted < seq and p.applied < seq)]


class Barrier:
    """The barrier of one authority, as one process sees it. Thread-safe.

    A change is known by its number and its epoch: after a restore or a fail-over under a running process the same
    number may be another change, which has not waited yet, and the one that was asked about may be lost.
    """

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._longest = (feed.lease_seconds + feed.deadline_seconds) * RATE_MARGIN
        self._first_seen: dict[tuple[UUID, int], float] = {}
        self._epochs: dict[UUID, float] = {}
        self._settled: tuple[UUID, int] | None = None
        self._lock = threading.Lock()

    def await_effective(self, change: Number, timeout: float) -> bool:
        """Whether a change holds at every enforcement point; waits at most `timeout` seconds.

        Raises `LostChangeError` when it was committed, and a restore or a fail-over took it back.
        """
        end = time.monotonic() + timeout
        with self._feed.notifier.listening(CHANNEL) as bell:
            while not self.effective(change):
                remaining = end - time.monotonic()
                if remaining <= 0:
                    return False
                bell.wait(min(remaining, LOOK_SECONDS))
        return True

    def effective(self, change: Number) -> bool:
        """Whether a change holds everywhere now; once it does, that is written down. Raises `LostChangeError`."""
        event = self._feed.tables.FeedEvent
        query = select(event.effective_at).where(event.epoch == change.epoch, event.seq == change.seq)
        with self._feed.database.transaction() as session:
            row = session.execute(query).first()
        if row is None:
            raise LostChangeError("the change is not in the database any more")
        if row.effective_at is not None:
            return True
        view = self._view()
        return view is not None and self._holds(view, change.seq) and self._persist(view, [change])

    def settle_pending(self) -> None:
        """Write down every change that has become effective, whether or not anybody asks; the worker's work."""
        view = self._view()
        if view is None or (view.epoch, view.seq) == self._settled:
            return
        event = self._feed.tables.FeedEvent
        query = select(event.epoch, event.seq).where(event.effective_at.is_(None)).order_by(event.seq)
        with self._feed.database.transaction() as session:
            pending = [Number(*row) for row in session.execute(query.limit(PENDING_AT_ONCE))]
        holding = [change for change in pending if self._holds(view, change.seq)]
        if self._persist(view, holding) and len(holding) == len(pending) < PENDING_AT_ONCE:
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
            here = incarnation.of(session)
            if row.incarnation != here:
                # Restored, failed over to, or of a version that did not tell: the next lease or change begins another
                # epoch, and nothing holds before.
                return None
            points = tuple(
                Point(p.epoch, p.applied, p.first_granted, p.time_bounded)
                for p in session.scalars(select(tables.EnforcementPoint))
            )
            return View(row.epoch, row.seq, row.restored, points, here)

    def _persist(self, view: View, changes: Sequence[Number]) -> bool:
        """Write down that changes hold; False, and nothing, when the database is not the one that was viewed."""
        if not changes:
            return True
        reach("barrier.before_persist")
        event = self._feed.tables.FeedEvent
        now = self._clock.now()
        chosen = (tuple_(event.epoch, event.seq).in_(changes), event.effective_at.is_(None))
        fresh = update(event).where(*chosen).values(effective_at=now).returning(event.body, event.committed_at)
        with self._feed.database.transaction() as session:
            if incarnation.of(session) != view.incarnation:
                return False
            settled = session.execute(fresh).all()
        reach("barrier.after_persist")
        numbers = {change.seq for change in changes}
        with self._lock:
            self._first_seen = {key: seen for key, seen in self._first_seen.items() if key[1] not in numbers}
        self._feed.notifier.notify(CHANNEL)
        for body, committed_at in settled:
            _measure(body, (now - committed_at).total_seconds())
        return True


def _measure(body: bytes, seconds: float) -> None:
    with suppress(EventError):  # a later version wrote it: it holds all the same
        metrics.EFFECT_SECONDS.labels(Event.decode(body).type).observe(max(seconds, 0))
