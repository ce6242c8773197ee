"""Fakes that more than one room uses.

Owns a clock that is moved by hand. Refuses to be shared for its own sake: a fake that one room needs lives there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


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
