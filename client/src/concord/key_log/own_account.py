"""Looking at one's own account whenever the log has grown: before anything else that it is asked for.

Owns when one's own history is fetched for it, and what counts as known. Refuses nothing: what it finds are alarms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from concord_formats.key_entries import SignedEntry

from ..errors import PinError
from .alarms import Alarm, added
from .mirror import Mirror
from .pinned import Changing
from .watching import name_alarms, newest_own, own_alarms

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
        alarms = [*self._own(change, since, size), *self._named(size)]
        change.set(watched=size, alarms=added(change.pinned.alarms, alarms))

    def _own(self, change: Changing, since: int, size: int) -> list[Alarm]:
        new = [each for each in self._mirror.bindings(self._me, size) if each.leaf >= since]
        if not new:
            return []
        history = self._checked()
        lines = {each.leaf: line for each in new if (line := self._mirror.line(each.leaf))}
        found = list(own_alarms(new, history, change.pinned.own, lines, self._device))
        change.set(own=newest_own(history, change.pinned.own))
        return found

    def _named(self, size: int) -> list[Alarm]:
        me = self._mirror.named(self._me, size)
        if me is None:
            return []
        return list(name_alarms(self._me, self._mirror.of_name(me.folded, me.npi, size), me.npi))

    def _checked(self) -> Sequence[SignedEntry]:
        """One's own history; one that is not to be relied on counts as none, and everything logged is then news."""
        with suppress(PinError):
            return self._history() if self._history else ()
        return ()


__all__ = ["OwnAccount", "OwnHistory"]
