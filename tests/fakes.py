"""Fakes that more than one room uses.

Owns a clock that is moved by hand, and a bus that treats events badly. Refuses to be shared for its own sake: a fake
that one room needs lives there.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.chassis.bus import BusUnavailableError, Subscription, UnroutableError
from services.chassis.event import Event


class FakeClock:
    """Two clocks that stand still until they are moved; the time of day may jump without the other."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 11, 23, 12, tzinfo=UTC)
        self._boottime = 1000.0

    def now(self) -> datetime:
        """The time of day."""
        return self._now

    def boottime(self) -> float:
        """Seconds since boot."""
        return self._boottime

    def advance(self, seconds: float) -> None:
        """Both clocks go on."""
        self._now += timedelta(seconds=seconds)
        self._boottime += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the time of day, forward or back."""
        self._now += timedelta(seconds=seconds)


class RecordingBus:
    """A bus that keeps what it was given, and may fail before or after that, repeat and reorder, as a seed says.

    `stored` is what a broker would hold. `faults` is how often something goes wrong, from 0 to 1. `unwanted` types
    have no queue. An event that was refused may be stored all the same: that is what "not confirmed" means.
    """

    def __init__(self, seed: int = 0, *, faults: float = 0.0, unwanted: frozenset[str] = frozenset()) -> None:
        self.stored: list[Event] = []
        self.unwanted = unwanted
        self.faults = faults
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def declare(self, subscription: Subscription) -> None:
        """Types that a queue wants are unwanted no more."""
        self.unwanted -= subscription.types

    def publish(self, events: Sequence[Event]) -> None:
        """Store them, or some of them, or none. Raises `BusUnavailableError`, `UnroutableError`."""
        with self._lock:
            self._stumble()
            wanted = [event for event in events if event.type not in self.unwanted]
            kept = self._random.randrange(len(wanted) + 1) if wanted and self._happens() else len(wanted)
            self.stored += wanted[:kept]
            if kept < len(wanted):
                raise BusUnavailableError("lost in the middle of a batch")
            self._stumble()
        if refused := frozenset(event.id for event in events if event.type in self.unwanted):
            raise UnroutableError(refused)

    def delivered(self) -> list[Event]:
        """What a consumer is handed: all that is stored, some of it twice, and out of order now and then."""
        handed = [event for event in self.stored for _ in range(2 if self._happens() else 1)]
        for place in range(1, len(handed)):
            if self._happens():
                handed[place - 1], handed[place] = handed[place], handed[place - 1]
        return handed

    def consume(
        self,
        subscription: Subscription,
        handler: Callable[[Event], None],
        stop: threading.Event,
        *,
        several: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        """Hand over what is there now, and wait to be stopped."""
        for event in self.delivered():
            if event.type in subscription.types:
                handler(event)
        stop.wait()

    def dead_letters(self, queue: str, limit: int = 100) -> list[bytes]:
        """None: whatever a handler raises here ends the test."""
        return []

    def replay_dead_letters(self, queue: str) -> int:
        """None."""
        return 0

    def close(self) -> None:
        """Nothing to close."""

    @property
    def ids(self) -> list[UUID]:
        """The ids of what is stored, in order."""
        return [event.id for event in self.stored]

    def _happens(self) -> bool:
        return self._random.random() < self.faults

    def _stumble(self) -> None:
        if self._happens():
            raise BusUnavailableError("not confirmed")
