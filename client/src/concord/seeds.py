"""Seeds: how a secret is made, how it stands in sealed JSON, and the seeds that are one device's own.

Owns `DeviceSeeds` and the text form of a seed. Refuses a seed of another length than its key has, and to show one
(`repr`). Specified in `spec/keys.md`, "Which keys there are".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from concord_formats.key_entries import DeviceKeys, SignedEntry
from concord_formats.signatures import from_base64url, to_base64url
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .age import HybridIdentity
from .signing import SEED_BYTES, HybridSigningKey

# RFC 8032, section 5.1.5 (Ed25519), and the seed of an age identity `mlkem768x25519`.
SEED = 32


@dataclass(frozen=True)
class DeviceSeeds:
    """What one device has for itself: `signing` is 64 bytes, the others 32."""

    device: UUID
    signing_seed: bytes = field(repr=False)
    authentication_seed: bytes = field(repr=False)
    store_seed: bytes = field(repr=False)
    transfer_seed: bytes = field(repr=False)

    @classmethod
    def create(cls) -> DeviceSeeds:
        """A new device, from the operating system's randomness."""
        return cls(
            device=uuid4(),
            signing_seed=HybridSigningKey.generate().seed,
            authentication_seed=new_seed(),
            store_seed=new_seed(),
            transfer_seed=new_seed(),
        )

    def public(self) -> DeviceKeys:
        """What the history of keys says of this device."""
        signing = HybridSigningKey.from_seed(self.signing_seed).public().encode()
        private = Ed25519PrivateKey.from_private_bytes(self.authentication_seed)
        authentication = to_base64url(private.public_key().public_bytes_raw())
        return DeviceKeys(id=self.device, signing=signing, authentication=authentication)

    def transfer_identity(self) -> HybridIdentity:
        """Opens what another device of the owner seals to this one; its recipient is known to those alone."""
        return HybridIdentity.from_seed(self.transfer_seed)

    def members(self) -> dict[str, Any]:
        """As JSON, for a file that is sealed before it touches a disk."""
        return dict(text_of(vars(self)))

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> DeviceSeeds:
        """Read `members()`. Raises ValueError, KeyError, TypeError."""
        return cls(
            device=UUID(members["device"]),
            signing_seed=read_seed(members["signing_seed"], SEED_BYTES),
            authentication_seed=read_seed(members["authentication_seed"]),
            store_seed=read_seed(members["store_seed"]),
            transfer_seed=read_seed(members["transfer_seed"]),
        )


def new_seed() -> bytes:
    """32 bytes from the operating system's randomness."""
    return secrets.token_bytes(SEED)


def read_seed(text: str, length: int = SEED) -> bytes:
    """A seed from its base64url. Raises ValueError (`SignatureError`) when it is not one of this length."""
    raw = from_base64url(text)
    if len(raw) != length:
        raise ValueError("a seed of another length")
    return raw


def text_of(value: Any) -> Any:
    """Ids, bytes and signed entries as JSON has them, whatever holds them."""
    match value:
        case None | str() | int():
            return value
        case bytes():
            return to_base64url(value)
        case UUID():
            return str(value)
        case SignedEntry():
            return text_of(vars(value))
        case Mapping():
            return {str(name): text_of(each) for name, each in value.items()}
        case _:
            return [text_of(each) for each in value]


def read_signed(members: Mapping[str, str]) -> SignedEntry:
    """A signed entry from its two texts. Raises ValueError, KeyError."""
    return SignedEntry(from_base64url(members["entry"]), from_base64url(members["signature"]))


__all__ = ["SEED", "DeviceSeeds", "new_seed", "read_seed", "read_signed", "text_of"]
