"""Waiting until what was ended holds everywhere: a membership, a team, a delegation.

Owns the asking again. Refuses to say that something is over before every enforcement point has said so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from .api.teams import Ended
from .errors import PendingError

# As with a revocation: the services' own lease and deadline (6 s), and room for a slow network.
WAIT_SECONDS = 30.0


def ended(end: Callable[[], Ended], what: str, *, wait: float = WAIT_SECONDS) -> datetime:
    """Since when it holds everywhere; `end` may be called again.

    Raises `PendingError` after `wait` seconds: what was ended stands recorded all the same.
    """
    until = time.monotonic() + wait
    while True:
        answer = end()
        if answer.effective_at is not None:
            return answer.effective_at
        if time.monotonic() >= until:
            raise PendingError(f"{what} is recorded, but not yet confirmed everywhere")
        time.sleep(0.25)


__all__ = ["WAIT_SECONDS", "ended"]
