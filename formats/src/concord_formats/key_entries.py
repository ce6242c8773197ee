"""Key entries: the append-only, signed history of one account's public keys.

Owns the shape of an entry and the rules by which entries follow one another. Refuses to say whether the first entry
is the right one: that is for a pin on first use and a fingerprint compared aloud. Specified in `spec/keys.md`.

An entry holds the whole state after it, as one line of JSON whose exact bytes the account's identity key signs
(`SignedKind.KEY_ENTRY`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from .lines import LineError, parse_line
from .scalars import FormatVersion, Id, Moment, Sha256
from .signatures import ED25519_KEY_BYTES, HybridPublicKey, SignatureError, SignedKind, from_base64url

MAX_DEVICES = 16
# 16 devices of 2.8 KiB each and the account's own keys: an entry beyond this is not one of ours.
MAX_ENTRY_BYTES = 64 * 1024
# A person who changes a device each week of a working life stays below; a directory that sends more wants our memory.
MAX_ENTRIES = 4096

KeyText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43,4096}$")]


class KeyEntryError(ValueError):
    """An entry is malformed, unsigned, or does not follow from the one before it."""


class EntryKind(StrEnum):
    """What an entry changed."""

    ENROLLED = "enrolled"
    DEVICE_ADDED = "device-added"
    DEVICE_REVOKED = "device-revoked"
    KEYS_CHANGED = "keys-changed"
    RECOVERED = "recovered"


class DeviceKeys(BaseModel):
    """One device: `signing` is a hybrid key (letters), `authentication` a raw Ed25519 key (sign-in), both base64url."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id
    signing: KeyText
    authentication: KeyText


class KeyEntry(BaseModel):
    """The keys of an account after entry `n`; `previous` is the entry before it (SHA-256), absent for the first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    v: FormatVersion
    account: Id
    n: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTRIES)]
    previous: Sha256 | None = None
    kind: EntryKind
    identity: KeyText
    encryption: Annotated[str, StringConstraints(pattern=r"^age1pq1[a-z0-9]{100,4096}$")]
    encryption_version: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTRIES)]
    devices: Annotated[tuple[DeviceKeys, ...], Field(max_length=MAX_DEVICES)]
    at: Moment

    @field_validator("devices")
    @classmethod
    def _each_device_once(cls, value: tuple[DeviceKeys, ...]) -> tuple[DeviceKeys, ...]:
        # A second set of keys under one id would let two readers pick different ones.
        for keys in ([d.id for d in value], [d.signing for d in value], [d.authentication for d in value]):
            if len(set(keys)) != len(keys):
                raise ValueError("lists a device or a key twice")
        return value

    def encode(self) -> bytes:
        """The entry as one line of JSON, the exact bytes that are signed."""
        return self.model_dump_json(exclude_none=True).encode("utf-8")

    def device(self, device_id: UUID) -> DeviceKeys | None:
        """The keys of one device, or None when this entry does not list it."""
        return next((device for device in self.devices if device.id == device_id), None)


@dataclass(frozen=True)
class SignedEntry:
    """The exact bytes of an entry and the hybrid signature over them."""

    entry: bytes
    signature: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the entry's bytes, in lower-case hexadecimal."""
        return hashlib.sha256(self.entry).hexdigest()


def read_entry(signed: SignedEntry) -> KeyEntry:
    """Read one entry and check its signature by the identity key it names. Raises `KeyEntryError`."""
    try:
        entry = parse_line(KeyEntry, signed.entry, MAX_ENTRY_BYTES)
        HybridPublicKey.decode(entry.identity).verify(SignedKind.KEY_ENTRY, signed.entry, signed.signature)
        for device in entry.devices:
            _check_device(device)
    except LineError as error:
        raise KeyEntryError(f"{error.field or 'entry'}: {error.detail}") from None
    except SignatureError as error:
        raise KeyEntryError(str(error)) from None
    return entry


def _check_device(device: DeviceKeys) -> None:
    HybridPublicKey.decode(device.signing)
    if len(from_base64url(device.authentication)) != ED25519_KEY_BYTES:
        raise KeyEntryError("an authentication key is 32 bytes of Ed25519")


def follow(before: SignedEntry | None, after: SignedEntry) -> KeyEntry:
    """Check that `after` is a well-signed successor of `before` (None: the first entry). Raises `KeyEntryError`.

    Only a recovery changes the identity key, and the new one signs it: whether to believe it is not for the history to
    say, but for attestations, pins and a fingerprint compared aloud.
    """
    entry = read_entry(after)
    if before is None:
        _check_first(entry)
        return entry
    last = read_entry(before)
    if entry.account != last.account or (entry.identity != last.identity and entry.kind is not EntryKind.RECOVERED):
        raise KeyEntryError("the account or its identity key differs from the entry before")
    if entry.n != last.n + 1 or entry.previous != before.digest or entry.kind is EntryKind.ENROLLED:
        raise KeyEntryError(f"entry {entry.n} does not follow entry {last.n}")
    if entry.at < last.at:
        # Which device was in force at a moment is read from the history: its moments must not run backwards.
        raise KeyEntryError(f"entry {entry.n} is dated before entry {last.n}")
    _check_change(last, entry)
    return entry


def _check_first(entry: KeyEntry) -> None:
    if entry.n != 1 or entry.previous is not None or entry.kind is not EntryKind.ENROLLED:
        raise KeyEntryError("a history starts with entry 1, kind enrolled, without a previous digest")
    if entry.encryption_version != 1 or not entry.devices:
        raise KeyEntryError("a history starts with a device and with version 1 of the encryption key")


def _check_change(last: KeyEntry, entry: KeyEntry) -> None:
    """Only what the entry's kind names may differ."""
    added = {device.id for device in entry.devices} - {device.id for device in last.devices}
    removed = {device.id for device in last.devices} - {device.id for device in entry.devices}
    kept_differ = any(d != entry.device(d.id) for d in last.devices if d.id not in removed)
    same_encryption = (entry.encryption, entry.encryption_version) == (last.encryption, last.encryption_version)
    next_encryption = entry.encryption != last.encryption and entry.encryption_version == last.encryption_version + 1
    # All that the former owner had may be in a thief's hands: nothing of it is kept, the identity key least of all.
    all_new = len(entry.devices) == 1 and not _names(entry) & _names(last)
    allowed = {
        EntryKind.DEVICE_ADDED: len(added) == 1 and not removed and same_encryption,
        EntryKind.DEVICE_REVOKED: len(removed) == 1 and not added and same_encryption,
        EntryKind.KEYS_CHANGED: not added and not removed and next_encryption,
        EntryKind.RECOVERED: all_new and next_encryption,
    }
    if kept_differ or not allowed.get(entry.kind, False):
        raise KeyEntryError(f"entry {entry.n} changes more, or other, than its kind {entry.kind} says")


def read_history(entries: Sequence[SignedEntry]) -> KeyEntry:
    """Check a whole history, oldest first, and return its last entry. Raises `KeyEntryError`."""
    return read_entries(entries)[-1]


def read_entries(entries: Sequence[SignedEntry]) -> list[KeyEntry]:
    """Check a whole history, oldest first, and return every entry of it, at least one. Raises `KeyEntryError`.

    Beyond what `follow` sees of two neighbours: what was retired, a device, a device's key, an encryption key or an
    identity key, does not come back.
    """
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise KeyEntryError(f"a history has between 1 and {MAX_ENTRIES} key entries")
    read: list[KeyEntry] = []
    before: SignedEntry | None = None
    retired: set[str] = set()
    for signed in entries:
        entry = follow(before, signed)
        current = _names(entry)
        if current & retired:
            raise KeyEntryError(f"entry {entry.n} brings back a device or a key that was retired")
        retired |= _names(read[-1]) - current if read else set()
        read.append(entry)
        before = signed
    return read


def _names(entry: KeyEntry) -> set[str]:
    devices = {name for device in entry.devices for name in (str(device.id), device.signing, device.authentication)}
    return devices | {entry.encryption, entry.identity}


__all__ = [
    "MAX_DEVICES",
    "MAX_ENTRIES",
    "MAX_ENTRY_BYTES",
    "DeviceKeys",
    "EntryKind",
    "KeyEntry",
    "KeyEntryError",
    "SignedEntry",
    "follow",
    "read_entries",
    "read_entry",
    "read_history",
]
