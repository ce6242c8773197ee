"""Looking at one's own account whenever the log has grown: before anything else that it is asked for.

Owns when one's own history is fetched for it, and what counts as known. Refuses nothing: what it finds are alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from uuid import UUID

from concord_formats.key_entries import SignedEntry

from ..errors import PinError
from .alarms import Alarm, added
from .mirror import Mirror
from .pinned import Changing
from .watching import Mine, joined, name_alarms, newest_own, own_alarms

# One's own key history, fetched and checked against its pin.
OwnHistory = Callable[[], Sequence[SignedEntry]]


class OwnAccount:
    """One's own account, on this `device` of it; without `history` nothing is looked at."""

    def __init__(self, mirror: Mirror, me: UUID, device: UUID | None, history: OwnHistory | None) -> None:
        self._mirror = mirror
        self._me = me
        self._device = device
        self._history = history

    def look(self, change: Changing) -> None:
        """Look at what is new in the log that is about to be pinned, and keep the alarms.

        Raises `ServiceError`, `UnreachableError` when one's own history cannot be fetched.
        """
        size, since = change.pinned.checkpoint.size, change.pinned.watched
        if self._history is None or size == since:
            return
        # One after the other: a log with a million entries under one's account is a few alarms, and little memory.
        alarms = chain(self._own(change, since, size), self._named(since, size))
        change.set(alarms=added(change.pinned.alarms, alarms), watched=size)

    def _own(self, change: Changing, since: int, size: int) -> Iterator[Alarm]:
        logged = self._mirror.bindings(self._me, size)
        if not any(each.leaf >= since for each in logged):
            return
        history = self._checked()
        mine = Mine(history, change.pinned.own, joined(history, self._device))
        yield from own_alarms(logged, since, mine, self._mirror.line)
        change.set(own=newest_own(history, mine.own))

    def _named(self, since: int, size: int) -> Iterator[Alarm]:
        """Of what is new; of everything, where one's own name is."""
        me = self._mirror.named(self._me, size)
        if me is None:
            return
        others = self._mirror.like(me, size)
        new = (each for each in others if each.leaf >= since or me.leaf >= since)
        yield from name_alarms(me, new)

    def _checked(self) -> Sequence[SignedEntry]:
        """One's own history; one that is not to be relied on counts as none, and everything logged is then news."""
        with suppress(PinError):
            return self._history() if self._history else ()
        return ()


__all__ = ["OwnAccount", "OwnHistory"]
