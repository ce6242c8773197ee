"""A clock that a test moves by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class HandClock:
    """Starts at the machine's time of day and at 1,000 seconds since boot; `pass_` moves both."""

    def __init__(self) -> None:
        self._now = datetime.fromtimestamp(int(time.time()), UTC)
        self._boottime = 1000.0

    def now(self) -> datetime:
        """The time of day."""
        return self._now

    def boottime(self) -> float:
        """Seconds since boot."""
        return self._boottime

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._boottime += seconds
