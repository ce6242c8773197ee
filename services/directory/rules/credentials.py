"""Secrets of 256 random bits that open one thing: of each, only the digest is known here.

Owns the comparison. Refuses slow hashes: nobody goes through 2^256.
"""

from __future__ import annotations

import hashlib
import hmac

CREDENTIAL_BYTES = 32
_NOTHING = "0" * 64


def opens(verifier: str | None, credential: bytes) -> bool:
    """Whether a credential is the one of a verifier (its SHA-256 in hexadecimal); takes as long when there is none."""
    same = hmac.compare_digest(verifier or _NOTHING, hashlib.sha256(credential).hexdigest())
    return same and verifier is not None
