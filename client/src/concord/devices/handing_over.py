"""Handing over: what one device knows comes to the others, and what they left for it is taken over.

Owns that what came is verified before it is saved, and saved before it is cleared; and that a device which learned
something tells the others, since each has one place for what is left for it. Refuses to call a device up to date that
lacks the account's newest key. Specified in `spec/keys.md`, "Transfers".
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from concord_formats.key_entries import KeyEntry

from ..api.devices import DevicesApi
from ..errors import ServiceError, UnreachableError
from ..errors.devices import TransferMissingError
from ..own_history import OwnHistory
from ..own_keys import OwnKeys
from ..store import SealedStore
from .transfers import has_newest, merge, open_transfer, seal_transfer, settle

# Nothing is lost by later: what was left stays, and a letter that needs a new key asks at once.
LOOK_AFTER_SECONDS = 3600
# This device's own: it goes to no other one.
_DOCUMENT = "devices"


class HandingOver:
    """Between this device and the others of its owner."""

    def __init__(self, api: DevicesApi, history: OwnHistory, own: OwnKeys, store: SealedStore) -> None:
        self._api = api
        self._history = history
        self._own = own
        self._store = store

    def look(self, now: float) -> bool:
        """As `catch_up`, when it is an hour since the last look by a clock that says `now` (POSIX seconds)."""
        with self._store.changing(_DOCUMENT) as known:
            due = not 0 <= now - known.get("looked", 0) < LOOK_AFTER_SECONDS
            if due:
                known["looked"] = now  # also if it comes to nothing: the next command is not to wait for it again
        return due and self.catch_up(look=True)

    def catch_up(self, *, look: bool = False) -> bool:
        """Take over what other devices handed to this one, where something is lacking; whether that was a key.

        With `look` also where nothing is known to lack, such as a recovery code that another device made.
        Raises `TransferError` when it cannot be relied on, `TransferMissingError` when the account's newest key is not
        there.
        """
        return self.take_over(self._history.entries(), look=look)

    def take_over(self, entries: Sequence[KeyEntry], *, look: bool = False) -> bool:
        """As `catch_up`, by one's own history as it was fetched just now."""
        before = self._own.keyring
        if settle(before, entries) != before:  # an interrupted rotation had got through
            before = self._own.change(lambda keyring: settle(keyring, entries))
            self.give(entries[-1])
        if not look and not self._lacks(entries[-1]):
            return False
        sealed = self._api.own_transfer()
        if sealed is not None:
            portable = open_transfer(sealed, before, entries)
            merged = self._own.change(lambda keyring: merge(keyring, portable, entries))
            self._api.clear_transfer(sealed)
            if merged != before:
                self.give(entries[-1])  # another device may lack what this one lacked
        if not has_newest(self._own.keyring, entries[-1]):
            raise TransferMissingError(
                "the account has another encryption key, which was not handed to this device yet"
            )
        return self._own.keyring.encryption_seeds != before.encryption_seeds

    def hand_over(self) -> tuple[UUID, ...]:
        """Hand what this device knows to every other one in force; those that could not be reached."""
        if self._own.keyring.transfer_seed is None:  # an older keyring: others could not answer to it
            self._own.change(lambda keyring: keyring)
        return self.give(self._history.entries()[-1])

    def give(self, newest: KeyEntry) -> tuple[UUID, ...]:
        """As `hand_over`, to the devices of one's newest entry."""
        others = [device.id for device in newest.devices if device.id != self._own.keyring.device]
        return tuple(device for device in others if not self._handed(device, newest.n))

    def _handed(self, device: UUID, n: int) -> bool:
        if device not in self._own.keyring.transfer_recipients:
            return False  # it was added by another device, which has not told this one yet
        try:
            self._api.put_transfer(device, seal_transfer(self._own.keyring, device, n))
        except UnreachableError:
            return False
        except ServiceError as refused:
            return refused.status == HTTPStatus.NOT_FOUND  # an administrator stopped it: it is not to have it
        return True

    def _lacks(self, newest: KeyEntry) -> bool:
        known = self._own.keyring.transfer_recipients
        return not has_newest(self._own.keyring, newest) or any(device.id not in known for device in newest.devices)


__all__ = ["LOOK_AFTER_SECONDS", "HandingOver"]
