"""A pairing: one device of an account waits for another one, for ten minutes.

Owns its states and its times. Refuses what the devices say to each other: that is sealed with a secret that never comes
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Long enough to carry a line from one screen to the other, short enough that one left lying on a desk is worth nothing.
VALID_FOR = timedelta(minutes=10)
# Of one account at once: a person adds devices one after the other.
OPEN_AT_ONCE = 3
# How long a pairing that is over is still told as one that expired, without what was in it.
TOLD_FOR = timedelta(hours=1)


class State(StrEnum):
    """Where a pairing stands."""

    OPEN = "open"
    REQUESTED = "requested"
    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Pairing:
    """A stored pairing, as the rules see it."""

    expires_at: datetime
    requested: bool
    answered: bool

    def state(self, now: datetime) -> State:
        """Where it stands at `now`."""
        if now >= self.expires_at:
            return State.EXPIRED
        if self.answered:
            return State.ANSWERED
        return State.REQUESTED if self.requested else State.OPEN
