"""Which key signs access tokens, when a new one is made, and when an old one is forgotten.

Owns the times. Refuses keys themselves: a key is its id and two instants here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

TOKEN_SECONDS = 300
ROTATE_EVERY = timedelta(days=30)
# Services believe a key set for five minutes (`services.chassis.token_keys`): twice that, and everybody knows a key
# before it signs.
PUBLISH_AHEAD = timedelta(seconds=600)
# A token outlives the last moment its key signed by its own five minutes; one more for clocks that differ.
KEEP_AFTER = timedelta(seconds=TOKEN_SECONDS + 60)


@dataclass(frozen=True)
class KeyTimes:
    """One key: it signs from `signs_from` until the next one does."""

    kid: str
    signs_from: datetime


@dataclass(frozen=True)
class Plan:
    """What is to be done now: make a key that signs from an instant, and forget some."""

    make: datetime | None
    forget: tuple[str, ...]


def signing(keys: Sequence[KeyTimes], now: datetime) -> str | None:
    """The id of the key that signs now: the newest whose time has come."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=lambda key: (key.signs_from, key.kid)).kid if begun else None


def plan(keys: Sequence[KeyTimes], now: datetime) -> Plan:
    """What the rotation asks for at `now`; doing it and planning again asks for nothing."""
    ordered = sorted(keys, key=lambda key: (key.signs_from, key.kid))
    if not ordered:
        return Plan(make=now, forget=())  # the first key: nobody can know an older set
    due = ordered[-1].signs_from + ROTATE_EVERY
    make = max(due, now + PUBLISH_AHEAD) if now >= due - PUBLISH_AHEAD else None
    replaced = pairwise(ordered)
    forget = tuple(old.kid for old, new in replaced if new.signs_from + KEEP_AFTER < now)
    return Plan(make, forget)
