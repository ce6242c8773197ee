"""The watch over one's own backup: who tried a wrong code on it, and whether a right one was used.

Owns how often the directory is asked, and what its owner is told. Refuses to be silent about a code that was used: it
is told once on each device, other than the one that used it. A directory that keeps quiet is not found out here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ..api.recovery import RecoveryApi, StoredBackup
from ..errors import ConcordError
from ..store import SealedStore
from .upkeep import DOCUMENT

# Often enough to act on the same day; seldom enough that nobody waits for it.
ASK_AFTER_SECONDS = 3600


@dataclass(frozen=True)
class Tried:
    """What the owner has not read yet: wrong tries, the last one's moment, and when a right code came, if news."""

    failed: int
    last_failed_at: datetime | None
    used_at: datetime | None


class Watch:
    """What this device tells its owner about tries on the backup."""

    def __init__(self, api: RecoveryApi, store: SealedStore, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._store = store
        self._clock = clock

    def look(self) -> Tried | None:
        """Ask, at most once an hour; None when there is nothing to tell. Raises `ServiceError`, `UnreachableError`."""
        if not self.due():
            return None
        stored = self._api.stored()
        return None if stored is None else self._news(stored)

    def stored(self) -> StoredBackup | None:
        """What the directory has and says now, however often it is asked. Raises `ServiceError`, `UnreachableError`."""
        return self._api.stored()

    def acknowledge(self) -> None:
        """The owner has read of the wrong tries: they are counted from nothing. Raises `ServiceError`."""
        self._api.acknowledge()

    def used_here(self) -> None:
        """This device has used the code itself, just now, and needs not be told of it; not knowing does no harm."""
        with suppress(ConcordError):
            stored = self._api.stored()
            self._told_of(stored.used_at if stored else None)

    def _told_of(self, used_at: datetime | None) -> None:
        with self._store.changing(DOCUMENT) as known:
            known["used"] = used_at and used_at.isoformat()

    def due(self) -> bool:
        """Whether it is time to ask; from then on it was asked, whatever comes of it."""
        return self._store.due(DOCUMENT, "asked", self._clock(), ASK_AFTER_SECONDS)

    def _news(self, stored: StoredBackup) -> Tried | None:
        used = stored.used_at
        if used is not None and used.isoformat() == (self._store.read(DOCUMENT) or {}).get("used"):
            used = None
        if used is not None:
            self._told_of(used)
        return Tried(stored.failed, stored.last_failed_at, used) if stored.failed or used else None


__all__ = ["ASK_AFTER_SECONDS", "Tried", "Watch"]
