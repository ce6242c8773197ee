"""Signing: the private half of hybrid signatures, and the key entries that an account signs.

Owns the seeds of signing keys while they are in memory. Refuses to show them (`repr`) and to keep them on a disk: that
is for `concord.keyring` alone. Specified in `spec/keys.md`; Ed25519 is RFC 8032, ML-DSA-65 is FIPS 204.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from concord_formats.key_entries import DeviceKeys, EntryKind, KeyEntry, SignedEntry, follow, read_entry
from concord_formats.signatures import HybridPublicKey, SignedKind, signed_bytes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

_HALF = 32  # RFC 8032, section 5.1.5, and FIPS 204, algorithm 1: both seeds are 32 bytes
SEED_BYTES = 2 * _HALF


class HybridSigningKey:
    """An Ed25519 and an ML-DSA-65 private key that sign together; its seed is 32 + 32 bytes, in that order."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"the seed of a hybrid signing key is {SEED_BYTES} bytes")
        self._seed = bytes(seed)
        self._ed25519 = Ed25519PrivateKey.from_private_bytes(self._seed[:_HALF])
        self._mldsa65 = MLDSA65PrivateKey.from_seed_bytes(self._seed[_HALF:])

    @classmethod
    def generate(cls) -> HybridSigningKey:
        """A new key from the operating system's randomness."""
        return cls(secrets.token_bytes(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> HybridSigningKey:
        """The key of a seed (64 bytes). Raises ValueError."""
        return cls(seed)

    @property
    def seed(self) -> bytes:
        """The 64 bytes from which the key is made: as secret as the key."""
        return self._seed

    def public(self) -> HybridPublicKey:
        """The public half."""
        return HybridPublicKey(
            self._ed25519.public_key().public_bytes_raw(), self._mldsa65.public_key().public_bytes_raw()
        )

    def sign(self, kind: SignedKind, payload: bytes) -> bytes:
        """Both signatures over the payload under its kind: 64 + 3309 bytes.

        ML-DSA-65 signs in its hedged variant (FIPS 204, section 3.4), so two signatures of one payload differ.
        """
        message = signed_bytes(kind, payload)
        return self._ed25519.sign(message) + self._mldsa65.sign(message)

    def __repr__(self) -> str:
        return f"<HybridSigningKey {self.public().fingerprint()[:11]}…>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a signing key is not pickled")


def first_entry(
    account: UUID,
    identity_key: HybridSigningKey,
    encryption_recipient: str,
    device: DeviceKeys,
    *,
    at: datetime | None = None,
) -> SignedEntry:
    """The entry that enrols an account with one device; `encryption_recipient` is an `age1pq1…` text."""
    entry = KeyEntry(
        v=1,
        account=account,
        n=1,
        kind=EntryKind.ENROLLED,
        identity=identity_key.public().encode(),
        encryption=encryption_recipient,
        encryption_version=1,
        devices=(device,),
        at=at or datetime.now(UTC),
    )
    return _sign(identity_key, None, entry)


def next_entry(
    identity_key: HybridSigningKey,
    before: SignedEntry,
    *,
    add_device: DeviceKeys | None = None,
    revoke_device: UUID | None = None,
    encryption_recipient: str | None = None,
    at: datetime | None = None,
) -> SignedEntry:
    """The entry after `before` with exactly one change. Raises ValueError, and `KeyEntryError` when it cannot follow.

    The moment is never before that of the entry it follows, even when this device's clock is behind another's.
    """
    last = read_entry(before)
    follows = {"n": last.n + 1, "previous": before.digest, "at": max(at or datetime.now(UTC), last.at)}
    change = _change(last, add_device, revoke_device, encryption_recipient)
    return _sign(identity_key, before, KeyEntry.model_validate(last.model_dump() | follows | change))


def recovered_entry(
    identity_key: HybridSigningKey,
    before: SignedEntry,
    encryption_recipient: str,
    device: DeviceKeys,
    *,
    at: datetime | None = None,
) -> SignedEntry:
    """The entry after `before` by which a new identity takes over, with one device and nothing of what was.

    Raises `KeyEntryError` when it cannot follow.
    """
    last = read_entry(before)
    entry = KeyEntry(
        v=1,
        account=last.account,
        n=last.n + 1,
        previous=before.digest,
        kind=EntryKind.RECOVERED,
        identity=identity_key.public().encode(),
        encryption=encryption_recipient,
        encryption_version=last.encryption_version + 1,
        devices=(device,),
        at=max(at or datetime.now(UTC), last.at),
    )
    return _sign(identity_key, before, entry)


def _change(
    last: KeyEntry, add: DeviceKeys | None, revoke: UUID | None, encryption_recipient: str | None
) -> dict[str, object]:
    changes: list[dict[str, object]] = []
    if add:
        changes.append({"kind": EntryKind.DEVICE_ADDED, "devices": (*last.devices, add)})
    if revoke:
        changes.append({"kind": EntryKind.DEVICE_REVOKED, "devices": _without(last, revoke)})
    if encryption_recipient:
        changes.append(_rotation(last, encryption_recipient))
    if len(changes) != 1:
        raise ValueError("an entry makes exactly one change")
    return changes[0]


def _without(last: KeyEntry, device: UUID) -> tuple[DeviceKeys, ...]:
    return tuple(each for each in last.devices if each.id != device)


def _rotation(last: KeyEntry, recipient: str) -> dict[str, object]:
    return {
        "kind": EntryKind.KEYS_CHANGED,
        "encryption": recipient,
        "encryption_version": last.encryption_version + 1,
    }


def _sign(key: HybridSigningKey, before: SignedEntry | None, entry: KeyEntry) -> SignedEntry:
    raw = entry.encode()
    signed = SignedEntry(raw, key.sign(SignedKind.KEY_ENTRY, raw))
    follow(before, signed)  # what would be refused elsewhere is not signed here
    return signed


__all__ = ["SEED_BYTES", "HybridSigningKey", "first_entry", "next_entry", "recovered_entry"]
