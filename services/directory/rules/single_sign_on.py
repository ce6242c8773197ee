"""Single sign-on: for what it is asked, how long it counts, and which addresses a provider may have.

Owns the words and the times. Refuses to speak to anybody: that is `oidc.py`'s.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

# Time to find a password and a telephone, and no more: what it admits is one key entry.
VALID_FOR = timedelta(minutes=10)
# Of one account at once: an owner tries again, and nobody fills a table.
WAITING_AT_ONCE = 5
STATE_BYTES = 32
# Clocks of a provider and of this machine differ by less.
SKEW_SECONDS = 60
MAX_URL = 2000
# What a person reads in the browser and types into Concord: of 40 bits, five guesses hit one in 200,000,000,000.
CODE_LENGTH = 8
CODE_TRIES = 5
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: without I, L, O and U
_AS_TYPED = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class Purpose(StrEnum):
    """What the key entry is for, and so by what its maker is known."""

    ENROLMENT = "enrolment"  # an invitation's secret
    DEVICE = "device"  # a device of the account that is signed in
    RECOVERY = "recovery"  # the credential of a recovery code
    RECOVERY_CASE = "recovery-case"  # a case's secret


class State(StrEnum):
    """Where a session stands."""

    WAITING = "waiting"
    RETURNED = "returned"  # the provider is being asked whether that is true
    ANSWERED = "answered"  # the provider has said who it is; the code that the browser shows is not given yet
    DONE = "done"
    FAILED = "failed"
    USED = "used"


class Reason(StrEnum):
    """Why a session failed; told to who began it."""

    REFUSED = "refused-by-provider"
    UNREACHABLE = "provider-unreachable"
    INVALID = "invalid-answer"
    OTHER_PERSON = "other-person"
    CHANGED = "provider-changed"
    WRONG_CODE = "wrong-code"


def is_provider_url(text: str) -> bool:
    """Whether a provider may be at this address: https, or http on this very machine; without a fragment or a user."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    plain = len(text) <= MAX_URL and text.isascii() and text.isprintable() and " " not in text
    if not plain or not host or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def is_issuer(text: str) -> bool:
    """Whether this can be an issuer (OpenID Connect Discovery 1.0, section 3): besides, without a query."""
    return is_provider_url(text) and not urlsplit(text).query


def digest(secret: str) -> str:
    """What is stored of a session's state: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def new_code() -> str:
    """What the browser shows at the end of a sign-on, and the device that began it has to give."""
    drawn = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def code_digest(session: UUID, code: str) -> str:
    """What is stored of a code, however it was typed; another for each session."""
    return digest(f"{session} {code.upper().translate(_AS_TYPED)}")


def is_code(session: UUID, code: str, stored: str | None) -> bool:
    """Whether this is the code of that session."""
    return stored is not None and hmac.compare_digest(code_digest(session, code), stored)


def is_on_this_machine(url: str) -> bool:
    """Whether an address is one of this very machine."""
    return _is_loopback(urlsplit(url).hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
