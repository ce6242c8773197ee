"""Keeping the backup as new as the account: when one is made, and what stands in the way of it.

Owns the digest of what was stored last, the generation, a new code, and a failure that is told and never fails what a
person asked for. Refuses to put a worse backup in the place of a better one: from a device that lacks the account's
newest key, under a code that another device or another process has replaced, or unasked under one that its owner may
not have seen; or without having looked at what the device that stored the last one had left for this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from concord_formats.key_entries import KeyEntry

from ..api.recovery import RecoveryApi
from ..devices.transfers import has_newest
from ..errors import (
    BackupTooLargeError,
    ConcordError,
    NoRecoveryCodeError,
    RecoveryCodeChangedError,
    ServiceError,
    UnseenRecoveryCodeError,
)
from ..errors.devices import TransferError, TransferMissingError
from ..keyring import Keyring
from ..portable import Portable
from ..store import SealedStore
from .backup import content_digest, seal_backup
from .code import derive, new_code

# This device's own: it says nothing of the account, and goes into no backup.
DOCUMENT = "recovery"
# What failed is not tried again at each command, unless there is something new to store.
RETRY_SECONDS = 600


class Upkeep:
    """The backup of one account, from one of its devices.

    `keyring` gives the one that is open now, `own_entry` one's own newest key entry, checked; `catch_up` takes over
    what another device handed to this one.
    """

    def __init__(
        self,
        api: RecoveryApi,
        store: SealedStore,
        keyring: Callable[[], Keyring],
        own_entry: Callable[[], KeyEntry],
        catch_up: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._store = store
        self._keyring = keyring
        self._own_entry = own_entry
        self._catch_up = catch_up
        self._clock = clock

    def store(self) -> int:
        """Seal a backup and store it now; its generation.

        Raises `NoRecoveryCodeError`, `TransferMissingError`, `BackupTooLargeError`, `RecoveryCodeChangedError`,
        `ServiceError`, `UnreachableError`, and what a wrong key history of one's own raises.
        """
        try:
            return self._stored()
        except RecoveryCodeChangedError:
            self._catch_up()  # the device that made the new code may have handed it over
        return self._stored()

    def _stored(self) -> int:
        try:
            return self._put(self._fit(), self.known().get("generation", 0) + 1)
        except ServiceError as refused:
            if refused.type != "backup-older":
                raise
        # Another device stored one meanwhile: what it knows is to be in this one too.
        with suppress(TransferError):  # told by whoever looks; without the newest key nothing is stored, below
            self._catch_up()
        portable = self._fit()
        return self._put(portable, self._newer_elsewhere(portable.recovery_verifier) + 1)

    def _fit(self) -> Portable:
        """What is to be stored now, if this device may store one."""
        keyring = self._keyring()
        if keyring.recovery_recipient is None or keyring.recovery_verifier is None:
            raise NoRecoveryCodeError
        if keyring.recovery_version < self.known().get("version", 0):
            # Another process made one while this one ran; under the code that is open here the old sheet would be back.
            raise RecoveryCodeChangedError("a newer recovery code was made meanwhile; nothing was stored", "Try again.")
        newest = self._own_entry()
        if not has_newest(keyring, newest):
            raise TransferMissingError("this device lacks the account's newest key, and stores no backup without it")
        return self._portable(keyring, newest.n)

    def _put(self, portable: Portable, generation: int) -> int:
        verifier = portable.recovery_verifier or ""  # `_fit` gives none without
        try:
            stored = self._api.store(seal_backup(portable), verifier, generation)
        except ServiceError as refused:
            if refused.type == "too-large":
                raise BackupTooLargeError("the directory takes no backup as large as this one") from None
            raise
        known = {"generation": stored, "verifier": verifier, "digest": content_digest(portable)}
        self._note(**known, version=portable.recovery_version, made=None, failed=None, unseen=None)
        return stored

    def keep(self) -> ConcordError | None:
        """Store a backup where there is something new in it; what went wrong is given back and not raised."""
        try:
            digest = self._digest()
            if digest is None or digest == self.known().get("digest") or self._failed_just_now(digest):
                return None
            try:
                self._check_seen()
                self.store()
            except ConcordError as error:
                self._note(failed={"digest": digest, "at": self._clock()})
                return error
        except ConcordError as error:
            return error
        return None

    def making(self, verifier: str) -> None:
        """A code is about to be made here: until it was `shown`, nothing is stored under it unless it is asked for."""
        self._note(unseen=verifier)

    def shown(self) -> None:
        """The new code was shown to its owner."""
        self._note(unseen=None)

    def new_code_made(self) -> None:
        """The code in the keyring was made on this device just now, and takes the place of any other."""
        keyring = self._keyring()
        self._note(made=keyring.recovery_verifier, version=keyring.recovery_version, failed=None)

    @property
    def behind(self) -> bool:
        """Whether this device has something that its last backup did not."""
        return self._digest() != self.known().get("digest")

    def known(self) -> Mapping[str, Any]:
        """What this device remembers of its last backup: `generation`, `verifier`, `digest`; empty before the first."""
        return self._store.read(DOCUMENT) or {}

    def _check_seen(self) -> None:
        if self._keyring().recovery_verifier == self.known().get("unseen", ""):
            raise UnseenRecoveryCodeError("a new recovery code was made, and you may not have seen it")

    def _digest(self) -> str | None:
        keyring = self._keyring()
        if keyring.recovery_recipient is None:
            return None
        pinned = (self._store.read("pins") or {}).get(str(keyring.account), {"entries": 1})
        return content_digest(self._portable(keyring, pinned["entries"]))

    def _portable(self, keyring: Keyring, n: int) -> Portable:
        return Portable.of(keyring, self._store, n)

    def _newer_elsewhere(self, verifier: str | None) -> int:
        """The generation that another device stored. Raises `RecoveryCodeChangedError` when it is under another code.

        A device that has not heard of the new code would bring the old one, and whoever holds its sheet, back.
        """
        stored = self._api.stored()
        if stored is None:
            return 0
        known = self.known()
        if known.get("made") != verifier and stored.verifier not in {verifier, known.get("verifier")}:
            raise RecoveryCodeChangedError("another device of yours made a new recovery code; nothing was stored")
        return stored.generation

    def _failed_just_now(self, digest: str) -> bool:
        failed = self.known().get("failed") or {}
        return failed.get("digest") == digest and 0 <= self._clock() - failed["at"] < RETRY_SECONDS

    def _note(self, **members: Any) -> None:
        with self._store.changing(DOCUMENT) as known:
            known.update(members)


def with_code(keyring: Keyring, code: str) -> Keyring:
    """The keyring with a code's recipient and verifier: what is sealed from now on opens with this code alone.

    Save the keyring before the code is shown: a code that no device seals to opens nothing.
    """
    keys = derive(code, keyring.account)
    return keyring.with_recovery(keys.recipient, keys.verifier)


def with_new_code(keyring: Keyring) -> tuple[Keyring, str]:
    """As `with_code`, and the new code, which is nowhere else: show it once."""
    code = new_code()
    return with_code(keyring, code), code


__all__ = ["DOCUMENT", "RETRY_SECONDS", "Upkeep", "with_code", "with_new_code"]
