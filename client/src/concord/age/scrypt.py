"""The passphrase recipient.

Owns the `scrypt` stanza. Refuses company (a passphrase stands alone in a file, so that whoever knows it knows who
wrote the file) and work without bound: the work factor is looked at before any work is done. Source: C2SP age, "The
scrypt recipient type"; RFC 7914.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .errors import HeaderError, KeyFormatError, WrongPassphraseError
from .header import FILE_KEY_BYTES, SCRYPT, Stanza, b64decode, b64encode

# 2^18 is about a second and 256 MiB on a clinician's laptop: what guessing costs for each guess.
WORK_FACTOR = 18
# 2^20 is a gigabyte: a file that asks for more is refused, since asking costs its writer nothing.
MAX_WORK_FACTOR = 20
_LABEL = b"age-encryption.org/v1/scrypt"
_SALT_BYTES = 16
_TAG_BYTES = 16
_BLOCK_SIZE = 8
_NONCE = bytes(12)  # the wrapping key is used once
_DECIMAL = re.compile(r"[1-9][0-9]{0,2}")


class ScryptRecipient:
    """A passphrase to encrypt with; `work_factor` is the base-two logarithm of the cost. Raises `KeyFormatError`."""

    label = "passphrase"

    def __init__(self, passphrase: str, *, work_factor: int = WORK_FACTOR) -> None:
        if not passphrase:
            raise KeyFormatError("an empty passphrase protects nothing")
        if not 1 <= work_factor <= MAX_WORK_FACTOR:
            raise KeyFormatError(f"a work factor is from 1 to {MAX_WORK_FACTOR}")
        self._passphrase = passphrase
        self._work_factor = work_factor

    def __repr__(self) -> str:
        return "<ScryptRecipient>"

    def wrap(self, file_key: bytes) -> Stanza:
        """See `Recipient.wrap`."""
        salt = os.urandom(_SALT_BYTES)
        key = _stretch(self._passphrase, salt, self._work_factor)
        arguments = (b64encode(salt).decode("ascii"), str(self._work_factor))
        return Stanza(SCRYPT, arguments, ChaCha20Poly1305(key).encrypt(_NONCE, file_key, None))


class ScryptIdentity:
    """A passphrase to decrypt with."""

    def __init__(self, passphrase: str, *, max_work_factor: int = MAX_WORK_FACTOR) -> None:
        self._passphrase = passphrase
        self._max_work_factor = max_work_factor

    def __repr__(self) -> str:
        return "<ScryptIdentity>"

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """See `Identity.unwrap`. Raises `WrongPassphraseError` for a file that a passphrase opens, but not this one."""
        if not any(stanza.type == SCRYPT for stanza in stanzas):
            return None
        if len(stanzas) != 1:
            raise HeaderError("a scrypt stanza stands alone")
        salt, work_factor = _parameters(stanzas[0])
        if work_factor > self._max_work_factor:
            raise HeaderError(f"the file asks for a work factor of {work_factor}; {self._max_work_factor} is the most")
        try:
            key = _stretch(self._passphrase, salt, work_factor)
            return ChaCha20Poly1305(key).decrypt(_NONCE, stanzas[0].body, None)
        except InvalidTag:
            raise WrongPassphraseError("the passphrase does not open this file") from None


def _parameters(stanza: Stanza) -> tuple[bytes, int]:
    if len(stanza.arguments) != 2 or len(stanza.body) != FILE_KEY_BYTES + _TAG_BYTES:
        raise HeaderError("a scrypt stanza has a salt, a work factor and a body of 32 bytes")
    salt = b64decode(stanza.arguments[0].encode("ascii"))
    if len(salt) != _SALT_BYTES or not _DECIMAL.fullmatch(stanza.arguments[1]):
        raise HeaderError("a scrypt stanza's salt is 16 bytes and its work factor a decimal number")
    return salt, int(stanza.arguments[1])


def _stretch(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    kdf = Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=_BLOCK_SIZE, p=1)
    return kdf.derive(passphrase.encode("utf-8"))
