"""The X25519 recipient.

Owns the `X25519` stanza. Refuses low-order points, and stanzas that are not in their one canonical form. Source: C2SP
age, "The X25519 recipient type"; RFC 7748.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from . import bech32
from .errors import HeaderError, KeyFormatError
from .header import FILE_KEY_BYTES, Stanza, b64decode, b64encode, derive

RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "age-secret-key-"
_TYPE = "X25519"
_INFO = b"age-encryption.org/v1/X25519"
_KEY_BYTES = 32
_TAG_BYTES = 16
# The wrapping key is used once, so a fixed nonce is safe.
_NONCE = bytes(12)


class X25519Recipient:
    """An X25519 public key, `age1…`."""

    label = ""

    def __init__(self, public: bytes) -> None:
        if len(public) != _KEY_BYTES:
            raise KeyFormatError("an X25519 recipient is 32 bytes")
        self.public = public

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT_PREFIX, self.public)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X25519Recipient) and other.public == self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def wrap(self, file_key: bytes) -> Stanza:
        """See `Recipient.wrap`. Raises `KeyFormatError` for a point of low order."""
        ephemeral = X25519PrivateKey.from_private_bytes(os.urandom(_KEY_BYTES))
        share = ephemeral.public_key().public_bytes_raw()
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.public))
        except ValueError:
            raise KeyFormatError("the recipient is a point of low order: everybody could read the file") from None
        key = derive(shared, _INFO, share + self.public)
        body = ChaCha20Poly1305(key).encrypt(_NONCE, file_key, None)
        return Stanza(_TYPE, (b64encode(share).decode("ascii"),), body)


class X25519Identity:
    """An X25519 private key, `AGE-SECRET-KEY-1…`."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise KeyFormatError("an X25519 identity is 32 bytes")
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self._public = self._private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> X25519Identity:
        """A new identity."""
        return cls(os.urandom(_KEY_BYTES))

    def __repr__(self) -> str:
        return f"<X25519Identity of {self.recipient()}>"

    def encode(self) -> str:
        """The secret text. Whoever has it opens everything."""
        return bech32.encode(IDENTITY_PREFIX, self._private.private_bytes_raw()).upper()

    def recipient(self) -> X25519Recipient:
        """The public side."""
        return X25519Recipient(self._public)

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """See `Identity.unwrap`."""
        keys = [self._open(stanza) for stanza in stanzas if stanza.type == _TYPE]
        return next((key for key in keys if key is not None), None)

    def _open(self, stanza: Stanza) -> bytes | None:
        share = _share(stanza)
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise HeaderError("the X25519 share is a point of low order") from None
        key = derive(shared, _INFO, share + self._public)
        try:
            return ChaCha20Poly1305(key).decrypt(_NONCE, stanza.body, None)
        except InvalidTag:
            return None


def _share(stanza: Stanza) -> bytes:
    if len(stanza.arguments) != 1 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise HeaderError("an X25519 stanza has one argument and a body of 32 bytes")
    share = b64decode(stanza.arguments[0].encode("ascii"))
    if len(share) != _KEY_BYTES:
        raise HeaderError("an X25519 share is 32 bytes")
    return share
