"""Two clocks: the time of day for records, and the time since boot for leases.

Owns the reading of both. Refuses to mix them: the time of day may jump, so nothing that must expire ever counts on it
alone.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a service asks of time; tests pass one that they move by hand."""

    def now(self) -> datetime:
        """The time of day, in UTC, with its zone."""

    def boottime(self) -> float:
        """Seconds since boot, never set back, counting while the machine sleeps."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def boottime(self) -> float:
        """Seconds on CLOCK_BOOTTIME: CLOCK_MONOTONIC stands still during suspend, and a lease must not."""
        return time.clock_gettime(_BOOTTIME)


# macOS counts sleep in CLOCK_MONOTONIC_RAW and has no CLOCK_BOOTTIME; it serves the embedded default only.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
