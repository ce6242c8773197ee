"""From a recovery code to the two keys that it stands for.

Owns the derivation: HKDF-SHA-256 (RFC 5869) over the code's bits, salted with the account, once for the identity that
opens the backup and once for the credential that fetches it. Refuses to let one give the other away: the directory sees
the credential, and learns nothing of the identity. Specified in `spec/recovery.md`, "Derivation".
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from concord_formats.code_text import ALPHABET, CodeError
from concord_formats.recovery_codes import make_recovery_code, read_recovery_code
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..age import HybridIdentity
from ..errors import RecoveryCodeError

# 26 characters of five bits: 130 bits, in 17 bytes. A slow hash would make typing slower and guessing no harder.
SECRET_CHARACTERS = 26
_SECRET_BYTES = 17
_KEY_BYTES = 32
# Two purposes, two labels: neither output says anything of the other (RFC 5869, section 3.2).
_IDENTITY = b"concord/v1/recovery/identity"
_CREDENTIAL = b"concord/v1/recovery/credential"


@dataclass(frozen=True)
class RecoveryKeys:
    """What a code stands for: `identity` opens the backup, `credential` (32 bytes) fetches it."""

    identity: HybridIdentity = field(repr=False)
    credential: bytes = field(repr=False)

    @property
    def recipient(self) -> str:
        """What backups are sealed to, `age1pq1…`. Known to the owner's devices alone; it opens nothing."""
        return str(self.identity.recipient())

    @property
    def verifier(self) -> str:
        """By which the directory knows the credential: its SHA-256 in lower-case hexadecimal."""
        return hashlib.sha256(self.credential).hexdigest()


def new_code() -> str:
    """A new code from the operating system's randomness, without hyphens."""
    return make_recovery_code(secrets.token_bytes(_SECRET_BYTES))


def read_code(text: str) -> str:
    """The code that somebody typed, in its one form. Raises `RecoveryCodeError`, which does not repeat it."""
    try:
        return read_recovery_code(text)
    except CodeError as error:
        raise RecoveryCodeError(str(error)) from None


def derive(code: str, account: UUID) -> RecoveryKeys:
    """The keys of a code, as it was made or typed, for one account. Raises `RecoveryCodeError`."""
    secret = _bits(read_code(code))
    identity = HybridIdentity.from_seed(_expand(secret, account, _IDENTITY))
    return RecoveryKeys(identity, _expand(secret, account, _CREDENTIAL))


def _bits(code: str) -> bytes:
    """The 130 random bits as a big-endian number of 17 bytes; the check characters say nothing more."""
    number = 0
    for character in code[:SECRET_CHARACTERS]:
        number = number << 5 | ALPHABET.index(character)
    return number.to_bytes(_SECRET_BYTES, "big")


def _expand(secret: bytes, account: UUID, info: bytes) -> bytes:
    # The account as salt: a code that two accounts happened to share would open two different things.
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=account.bytes, info=info).derive(secret)


__all__ = ["RecoveryKeys", "derive", "new_code", "read_code"]
