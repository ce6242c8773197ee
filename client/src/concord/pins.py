"""Pins: which keys of a colleague this device has seen, and what may follow them.

Owns trust on first use: the first history is pinned, a later one must go on from it. Refuses a silent change: another
identity key, a history cut short, a fork, all stay refused until a person has compared fingerprints. It cannot tell
whether the first history was the right one, nor see a directory that shows two readers two histories from the start:
that is what comparing fingerprints is for. Specified in `spec/keys.md`, "Pins".
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from concord_formats.key_entries import EntryKind, KeyEntry, KeyEntryError, SignedEntry, read_entry, read_history
from concord_formats.signatures import HybridPublicKey

from .errors import (
    BadHistoryError,
    FingerprintMismatchError,
    HistoryRewrittenError,
    KeysChangedError,
    RecoveredKeysError,
)
from .store import SealedStore

_DOCUMENT = "pins"


@dataclass(frozen=True)
class Pinned:
    """The newest entry of a checked history; `first_use` when it was pinned just now, and by no comparison."""

    entry: KeyEntry
    first_use: bool

    @property
    def fingerprint(self) -> str:
        """Of the identity key: sixty digits to compare aloud."""
        return HybridPublicKey.decode(self.entry.identity).fingerprint()


class Pins:
    """This device's pins, in its sealed store."""

    def __init__(self, store: SealedStore) -> None:
        self._store = store

    def check(self, practitioner: UUID, history: Sequence[SignedEntry]) -> Pinned:
        """Check a person's whole key history, oldest first, against the pin; pin it when there is none.

        Raises `BadHistoryError`, `KeysChangedError` (`RecoveredKeysError` where the history goes on from the pin by a
        recovery), `HistoryRewrittenError`; the pin then stays as it was.
        """
        entry = _read(practitioner, history)
        with self._store.changing(_DOCUMENT) as pins:
            pinned = pins.get(str(practitioner))
            if pinned is not None:
                _check_follows(pinned, entry, history)
            pins[str(practitioner)] = _pin(entry, history, compared=bool(pinned and pinned["compared"]))
        return Pinned(entry, first_use=pinned is None)

    def verify(self, practitioner: UUID, history: Sequence[SignedEntry]) -> KeyEntry:
        """As `check`, and nothing is pinned: for what is held against the key log first. The newest entry."""
        entry = _read(practitioner, history)
        pinned = (self._store.read(_DOCUMENT) or {}).get(str(practitioner))
        if pinned is not None:
            _check_follows(pinned, entry, history)
        return entry

    def accept_new_identity(self, practitioner: UUID, history: Sequence[SignedEntry], fingerprint: str) -> Pinned:
        """Pin this history in the place of whatever was pinned, once its fingerprint was compared with the person.

        Spaces in `fingerprint` do not matter. Raises `BadHistoryError`, `FingerprintMismatchError`.
        """
        found = Pinned(_read(practitioner, history), first_use=False)
        given = "".join(fingerprint.split())
        if not hmac.compare_digest(given.encode(), "".join(found.fingerprint.split()).encode()):
            raise FingerprintMismatchError("the compared fingerprint is not that of the keys in the directory")
        with self._store.changing(_DOCUMENT) as pins:
            pins[str(practitioner)] = _pin(found.entry, history, compared=True)
        return found

    def knows(self, practitioner: UUID) -> bool:
        """Whether anything is pinned for somebody."""
        return str(practitioner) in (self._store.read(_DOCUMENT) or {})

    def compared(self, practitioner: UUID) -> bool:
        """Whether the pinned identity key was compared by its fingerprint, rather than met on first use."""
        pinned = (self._store.read(_DOCUMENT) or {}).get(str(practitioner))
        return bool(pinned and pinned["compared"])


def _read(practitioner: UUID, history: Sequence[SignedEntry]) -> KeyEntry:
    try:
        entry = read_history(history)
    except KeyEntryError as error:
        raise BadHistoryError(f"the key history of {practitioner} cannot be relied on: {error}") from None
    if entry.account != practitioner:
        raise BadHistoryError(f"the key history given for {practitioner} is that of another account")
    return entry


def _check_follows(pinned: dict[str, Any], entry: KeyEntry, history: Sequence[SignedEntry]) -> None:
    if entry.identity != pinned["identity"]:
        raise _changed(pinned, entry, history)
    # Each entry holds the digest of the one before it: if the last pinned entry is in place, so are all before it.
    count = pinned["entries"]
    if len(history) < count:
        raise HistoryRewrittenError(f"the key history of {entry.account} is shorter than it was")
    if history[count - 1].digest != pinned["last"]:
        raise HistoryRewrittenError(f"the key history of {entry.account} was changed behind what is pinned")


def _changed(pinned: dict[str, Any], entry: KeyEntry, history: Sequence[SignedEntry]) -> KeysChangedError:
    """A recovery takes the pinned history on; every other identity key comes from nowhere."""
    count = pinned["entries"]
    if len(history) > count and history[count - 1].digest == pinned["last"]:
        recovered = newest_identity(history)
        return RecoveredKeysError(recovered.account, recovered.n, recovered.at)
    return KeysChangedError(f"the identity key of {entry.account} is not the one pinned on this device")


def newest_identity(history: Sequence[SignedEntry]) -> KeyEntry:
    """The entry by which the identity of a checked history came: the newest recovery, else the enrolment."""
    entries = map(read_entry, reversed(history))
    return next(each for each in entries if each.kind in {EntryKind.RECOVERED, EntryKind.ENROLLED})


def _pin(entry: KeyEntry, history: Sequence[SignedEntry], *, compared: bool) -> dict[str, Any]:
    return {
        "identity": entry.identity,
        "entries": len(history),
        "last": history[-1].digest,
        "compared": compared,
    }


__all__ = ["Pinned", "Pins", "newest_identity"]
