"""Handing over: what one device knows comes to the others, and what they left for it is taken over.

Owns that what came is verified before it is saved, and saved before it is cleared; and that a device which learned
something tells the others, since each has one place for what is left for it; that the address book follows its owner.
Refuses to call a device up to date that lacks the account's newest key. Specified in `spec/keys.md`, "Transfers".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from uuid import UUID

from concord_formats.key_entries import KeyEntry

from ..address_book import AddressBook
from ..api.devices import DevicesApi
from ..errors import ServiceError, UnreachableError
from ..errors.devices import PortableError, TransferError, TransferMissingError
from ..own_history import OwnHistory
from ..own_keys import OwnKeys
from ..store import SealedStore
from .transfers import BOOK, has_newest, merge, open_transfer, seal_transfer, settle

# Nothing is lost by later: what was left stays, and a letter that needs a new key asks at once.
LOOK_AFTER_SECONDS = 3600
# A book that could not be handed over is not tried again at each command, unless it was changed again.
RETRY_SECONDS = 600
# This device and the one that sent the book: there is no third one to tell.
_PAIR = 2
# This device's own: it goes to no other one.
_DOCUMENT = "devices"


class HandingOver:
    """Between this device and the others of its owner.

    `moved` are the patients whose alias another device's book changed, as former and new alias; `book_left_out` says
    that the book did not fit beside the keys.
    """

    def __init__(self, api: DevicesApi, history: OwnHistory, own: OwnKeys, store: SealedStore) -> None:
        self._api = api
        self._history = history
        self._own = own
        self._store = store
        self._book = AddressBook(store)
        self.moved: list[tuple[str, str]] = []
        self.book_left_out = False

    def look(self, now: float) -> bool:
        """As `catch_up`, when it is an hour since the last look by a clock that says `now` (POSIX seconds)."""
        # Also if it comes to nothing: the next command is not to wait for it again.
        return self._store.due(_DOCUMENT, "looked", now, LOOK_AFTER_SECONDS) and self.catch_up(look=True)

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
            news = self._take_in(portable.documents.get(BOOK), entries[-1])
            self._api.clear_transfer(sealed)
            if news or merged != before:
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
        book = self._book.document()
        others = [device.id for device in newest.devices if device.id != self._own.keyring.device]
        missed = tuple(device for device in others if not self._handed(device, newest.n, book))
        if not missed:
            self._note(handed=self._digest(book))
        return missed

    def keep_book(self, now: float) -> tuple[UUID, ...]:
        """Hand the address book over where it was changed since the last time; those that could not be reached.

        Nothing is asked of the directory when there is no other device, or nothing new. `now` in POSIX seconds.
        """
        digest = self._digest(self._book.document())
        if not self._others_known() or not self._to_be_handed(digest, now):
            return ()
        self._note(tried={"digest": digest, "at": now})
        entries = self._history.entries()
        with suppress(TransferError):  # told by whoever looks; what this device knows the others are to have
            self.take_over(entries, look=True)  # what waits here may have waited there too, until it is replaced
        handed = self._known().get("handed") == self._digest(self._book.document())
        return () if handed else self.give(entries[-1])

    def _take_in(self, book: Mapping[str, Any] | None, newest: KeyEntry) -> bool:
        """Whether there is something to tell: its sender lacks what this one knows, or a third device what it brought.

        Otherwise a book that was replaced at a device, before that one took it, might come there never.
        """
        if book is None:  # of an older version, or it did not fit
            return False
        before = self._book.document()
        if before != book:
            self.moved += self._book.take_in(book)
        after = self._book.document()
        if after == book and len(newest.devices) == _PAIR:
            self._note(handed=self._digest(after))
            return False
        return after != before or after != book

    def _handed(self, device: UUID, n: int, book: Mapping[str, Any]) -> bool:
        if device not in self._own.keyring.transfer_recipients:
            return False  # it was added by another device, which has not told this one yet
        try:
            self._api.put_transfer(device, self._sealed(device, n, book))
        except UnreachableError:
            return False
        except ServiceError as refused:
            return refused.status == HTTPStatus.NOT_FOUND  # an administrator stopped it: it is not to have it
        return True

    def _sealed(self, device: UUID, n: int, book: Mapping[str, Any]) -> bytes:
        """With the book, unless it is too long: the keys have to arrive."""
        try:
            return seal_transfer(self._own.keyring, device, n, book)
        except PortableError:
            self.book_left_out = True
            return seal_transfer(self._own.keyring, device, n)

    def _others_known(self) -> bool:
        return any(device != self._own.keyring.device for device in self._own.keyring.transfer_recipients)

    def _to_be_handed(self, digest: str, now: float) -> bool:
        known = self._known()
        tried = known.get("tried") or {}
        just_now = tried.get("digest") == digest and 0 <= now - tried["at"] < RETRY_SECONDS
        return known.get("handed") != digest and not just_now

    def _digest(self, book: Mapping[str, Any]) -> str:
        """Of the book and of whom it goes to: a device that came since is to have it too."""
        devices = sorted(map(str, self._own.keyring.transfer_recipients))
        return hashlib.sha256(json.dumps([book, devices], sort_keys=True).encode("ascii")).hexdigest()

    def _known(self) -> Mapping[str, Any]:
        return self._store.read(_DOCUMENT) or {}

    def _note(self, **members: Any) -> None:
        with self._store.changing(_DOCUMENT) as known:
            known.update(members)

    def _lacks(self, newest: KeyEntry) -> bool:
        known = self._own.keyring.transfer_recipients
        return not has_newest(self._own.keyring, newest) or any(device.id not in known for device in newest.devices)


__all__ = ["LOOK_AFTER_SECONDS", "RETRY_SECONDS", "HandingOver"]
