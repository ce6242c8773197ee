"""The hybrid post-quantum recipient: ML-KEM-768 and X25519 together, by HPKE.

Owns the `mlkem768x25519` stanza. Refuses to be weaker than either half: a low-order X25519 share is refused before
anything is decrypted, and files to hybrid recipients have no other recipients. Source: C2SP age, "The mlkem768x25519
recipient type"; RFC 9180 with KEM 0x647a, HKDF-SHA256 and ChaCha20Poly1305.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from . import bech32
from .errors import HeaderError, KeyFormatError
from .header import FILE_KEY_BYTES, Stanza, b64decode, b64encode

RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "age-secret-key-pq-"
SEED_BYTES = 32
_TYPE = "mlkem768x25519"
_INFO = b"age-encryption.org/mlkem768x25519"
_MLKEM_KEY_BYTES = 1184
_MLKEM_CIPHERTEXT_BYTES = 1088
_X25519_BYTES = 32
_TAG_BYTES = 16
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class HybridRecipient:
    """A hybrid public key, `age1pq1…`: 1184 bytes of ML-KEM-768 and 32 of X25519."""

    label = "postquantum"

    def __init__(self, public: bytes) -> None:
        if len(public) != _MLKEM_KEY_BYTES + _X25519_BYTES:
            raise KeyFormatError("a hybrid recipient is 1216 bytes")
        self.public = public
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_KEY_BYTES])
        except ValueError:
            raise KeyFormatError("the ML-KEM-768 half of the recipient is malformed") from None
        x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_KEY_BYTES:])
        self._key = MLKEM768X25519PublicKey(mlkem, x25519)

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HybridRecipient) and other.public == self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def wrap(self, file_key: bytes) -> Stanza:
        """See `Recipient.wrap`. Raises `KeyFormatError` when the X25519 half is a point of low order."""
        try:
            sealed = _SUITE.encrypt(file_key, self._key, _INFO)
        except ValueError:
            raise KeyFormatError("the X25519 half of the recipient is a point of low order") from None
        length = _MLKEM_CIPHERTEXT_BYTES + _X25519_BYTES
        return Stanza(_TYPE, (b64encode(sealed[:length]).decode("ascii"),), sealed[length:])


class HybridIdentity:
    """A hybrid private key, `AGE-SECRET-KEY-PQ-1…`: a seed of 32 bytes, from which both halves are derived."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise KeyFormatError("a hybrid identity is a seed of 32 bytes")
        self.seed = seed
        expanded = hashlib.shake_256(seed).digest(64 + _X25519_BYTES)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)
        self._public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> HybridIdentity:
        """A new identity."""
        return cls(os.urandom(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> HybridIdentity:
        """The identity of a seed. Raises `KeyFormatError`."""
        return cls(seed)

    def __repr__(self) -> str:
        return f"<HybridIdentity of {str(self.recipient())[:16]}…>"

    def encode(self) -> str:
        """The secret text. Whoever has it opens everything."""
        return bech32.encode(IDENTITY_PREFIX, self.seed).upper()

    def recipient(self) -> HybridRecipient:
        """The public side."""
        return HybridRecipient(self._public)

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """See `Identity.unwrap`."""
        keys = [self._open(stanza) for stanza in stanzas if stanza.type == _TYPE]
        return next((key for key in keys if key is not None), None)

    def _open(self, stanza: Stanza) -> bytes | None:
        try:
            return _SUITE.decrypt(_encapsulated(stanza) + stanza.body, self._key, _INFO)
        except InvalidTag:
            return None


def _encapsulated(stanza: Stanza) -> bytes:
    # The length of the file key is checked before it is decrypted: age's defence against partitioning oracles.
    if len(stanza.arguments) != 1 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise HeaderError("an mlkem768x25519 stanza has one argument and a body of 32 bytes")
    encapsulated = b64decode(stanza.arguments[0].encode("ascii"))
    if len(encapsulated) != _MLKEM_CIPHERTEXT_BYTES + _X25519_BYTES:
        raise HeaderError("an mlkem768x25519 share is 1120 bytes")
    try:
        # With a point of low order every private key comes to zero, ours or a passing one: that is how it is told.
        probe = X25519PrivateKey.generate()
        probe.exchange(X25519PublicKey.from_public_bytes(encapsulated[_MLKEM_CIPHERTEXT_BYTES:]))
    except ValueError:
        raise HeaderError("the X25519 half of the share is a point of low order") from None
    return encapsulated
