"""Hybrid signatures: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204), of which both must verify.

Owns the encodings of public keys and signatures, and the verification. Refuses to sign: whoever holds private keys is
a client. A signature is made over `b"concord/v1/" + kind + b"\\n" + payload`, so a signature of one kind never passes
for another. Specified in `spec/keys.md`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

ED25519_KEY_BYTES = 32
ED25519_SIGNATURE_BYTES = 64
MLDSA65_KEY_BYTES = 1952  # FIPS 204, table 2
MLDSA65_SIGNATURE_BYTES = 3309  # FIPS 204, table 2


class SignedKind(StrEnum):
    """What a signature is about; part of the signed bytes."""

    STATEMENT = "statement"
    RECEIPT = "receipt"
    KEY_ENTRY = "key-entry"
    ATTESTATION = "attestation"
    TRANSFER = "transfer"
    DELEGATION = "delegation"
    IDENTITY_CHECK = "identity-check"


class SignatureError(ValueError):
    """A key or signature is malformed, or one of its two halves does not verify."""


@dataclass(frozen=True)
class HybridPublicKey:
    """An Ed25519 and an ML-DSA-65 public key that count only together."""

    ed25519: bytes
    mldsa65: bytes

    def __post_init__(self) -> None:
        if len(self.ed25519) != ED25519_KEY_BYTES or len(self.mldsa65) != MLDSA65_KEY_BYTES:
            raise SignatureError("a hybrid public key is 32 bytes of Ed25519 and 1952 bytes of ML-DSA-65")

    @classmethod
    def decode(cls, text: str) -> HybridPublicKey:
        """Read the base64url form. Raises `SignatureError` when it is malformed."""
        raw = from_base64url(text)
        return cls(raw[:ED25519_KEY_BYTES], raw[ED25519_KEY_BYTES:])

    def encode(self) -> str:
        """Base64url without padding of the Ed25519 key followed by the ML-DSA-65 key."""
        return to_base64url(self.ed25519 + self.mldsa65)

    def verify(self, kind: SignedKind, payload: bytes, signature: bytes) -> None:
        """Check both halves of `signature` (64 + 3309 bytes). Raises `SignatureError` unless both verify."""
        if len(signature) != ED25519_SIGNATURE_BYTES + MLDSA65_SIGNATURE_BYTES:
            raise SignatureError("a hybrid signature is 64 bytes of Ed25519 and 3309 bytes of ML-DSA-65")
        message = signed_bytes(kind, payload)
        try:
            Ed25519PublicKey.from_public_bytes(self.ed25519).verify(signature[:ED25519_SIGNATURE_BYTES], message)
            MLDSA65PublicKey.from_public_bytes(self.mldsa65).verify(signature[ED25519_SIGNATURE_BYTES:], message)
        except (InvalidSignature, ValueError):
            raise SignatureError(f"the {kind} was not signed by this key") from None

    def fingerprint(self) -> str:
        """Twelve groups of five digits for two people to compare aloud: 60 digits of SHA-256, about 199 bits."""
        number = int.from_bytes(hashlib.sha256(self.ed25519 + self.mldsa65).digest(), "big") % 10**60
        digits = f"{number:060d}"
        return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def signed_bytes(kind: SignedKind, payload: bytes) -> bytes:
    """The bytes that both algorithms sign: a label that names the kind, a line feed, the payload."""
    return b"concord/v1/" + kind.value.encode("ascii") + b"\n" + payload


def to_base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Strict base64url without padding: one text for one value. Raises `SignatureError`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("not base64url") from None
    if to_base64url(raw) != text:
        raise SignatureError("not canonical base64url")
    return raw
