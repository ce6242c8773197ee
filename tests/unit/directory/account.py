"""An account for tests: identity, devices and the entries they sign, as any client would make them.

Owns private keys of tests and the signing half of `spec/keys.md`. Refuses encryption: a recipient here is only a text
of the right form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from concord_formats.key_entries import DeviceKeys, EntryKind, KeyEntry, SignedEntry
from concord_formats.signatures import HybridPublicKey, SignedKind, from_base64url, signed_bytes, to_base64url
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from joserfc.jwk import OKPKey


class HybridKey:
    """A signing key of both algorithms."""

    def __init__(self) -> None:
        self._ed25519 = Ed25519PrivateKey.generate()
        self._mldsa65 = MLDSA65PrivateKey.generate()

    @property
    def public(self) -> str:
        """The public half, in base64url."""
        first, second = self._ed25519.public_key(), self._mldsa65.public_key()
        return HybridPublicKey(first.public_bytes_raw(), second.public_bytes_raw()).encode()

    def sign(self, kind: SignedKind, payload: bytes) -> bytes:
        """A signature that `HybridPublicKey.verify` accepts."""
        message = signed_bytes(kind, payload)
        return self._ed25519.sign(message) + self._mldsa65.sign(message)


@dataclass
class TestDevice:
    """One device: its id and both of its keys."""

    __test__ = False
    id: UUID = field(default_factory=uuid4)
    signing: HybridKey = field(default_factory=HybridKey)
    authentication: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519"))

    @property
    def public(self) -> DeviceKeys:
        """What an entry says of it."""
        x = str(self.authentication.as_dict(private=False)["x"])
        return DeviceKeys(id=self.id, signing=self.signing.public, authentication=x)


def recipient() -> str:
    """A text of the form of an encryption key."""
    return "age1pq1" + "".join(chr(97 + byte % 26) for byte in uuid4().bytes * 20)


@dataclass
class Account:
    """A person's keys. Each `…_entry` returns the entry after the last one and remembers it."""

    id: UUID
    identity: HybridKey = field(default_factory=HybridKey)
    entries: list[SignedEntry] = field(default_factory=list)

    def first_entry(self, *devices: TestDevice, **changed: Any) -> SignedEntry:
        """The entry that enrols, with these devices."""
        entry = KeyEntry(
            v=1,
            account=self.id,
            n=1,
            kind=EntryKind.ENROLLED,
            identity=self.identity.public,
            encryption=recipient(),
            encryption_version=1,
            devices=tuple(device.public for device in devices),
            at=datetime.now(UTC),
        )
        return self.signed(entry.model_copy(update=changed))

    def next_entry(self, kind: EntryKind, **changed: Any) -> SignedEntry:
        """The entry after the last, some members changed."""
        last = KeyEntry.model_validate_json(self.entries[-1].entry)
        follows = {"n": last.n + 1, "previous": self.entries[-1].digest, "kind": kind, "at": datetime.now(UTC)}
        return self.signed(last.model_copy(update=follows | changed))

    def adding(self, device: TestDevice, **changed: Any) -> SignedEntry:
        """The entry that adds a device."""
        return self.next_entry(EntryKind.DEVICE_ADDED, devices=(*self._devices(), device.public), **changed)

    def removing(self, device: TestDevice, **changed: Any) -> SignedEntry:
        """The entry that revokes a device."""
        left = tuple(each for each in self._devices() if each.id != device.id)
        return self.next_entry(EntryKind.DEVICE_REVOKED, devices=left, **changed)

    def rotating(self) -> SignedEntry:
        """The entry with a new encryption key."""
        last = KeyEntry.model_validate_json(self.entries[-1].entry)
        version = last.encryption_version + 1
        return self.next_entry(EntryKind.KEYS_CHANGED, encryption=recipient(), encryption_version=version)

    def signed(self, entry: KeyEntry) -> SignedEntry:
        """Sign an entry by the identity key, and remember it."""
        raw = entry.encode()
        self.entries.append(SignedEntry(raw, self.identity.sign(SignedKind.KEY_ENTRY, raw)))
        return self.entries[-1]

    def _devices(self) -> tuple[DeviceKeys, ...]:
        return KeyEntry.model_validate_json(self.entries[-1].entry).devices


def tampered(signed: SignedEntry) -> SignedEntry:
    """The same entry with its signature's last bit turned."""
    return replace(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1]))


def body_of(signed: SignedEntry) -> dict[str, str]:
    """The members of a request that carries an entry."""
    return {"entry": to_base64url(signed.entry), "signature": to_base64url(signed.signature)}


def read_code(code: str) -> dict[str, str]:
    """What an invitation's line holds."""
    members = json.loads(from_base64url(code.removeprefix("concord-invitation:")))
    return {str(name): str(value) for name, value in members.items()}
