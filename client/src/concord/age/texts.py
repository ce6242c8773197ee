"""Recipients and identities as texts and in files.

Owns their reading. Refuses to guess: a text of a type that is not known is an error that names the line, never its
content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from . import bech32
from .errors import KeyFormatError
from .hybrid import IDENTITY_PREFIX as HYBRID_IDENTITY_PREFIX
from .hybrid import RECIPIENT_PREFIX as HYBRID_RECIPIENT_PREFIX
from .hybrid import HybridIdentity, HybridRecipient
from .x25519 import IDENTITY_PREFIX as X25519_IDENTITY_PREFIX
from .x25519 import RECIPIENT_PREFIX as X25519_RECIPIENT_PREFIX
from .x25519 import X25519Identity, X25519Recipient

Key = TypeVar("Key")


def parse_recipient(text: str) -> HybridRecipient | X25519Recipient:
    """`age1pq1…` or `age1…`. Raises `KeyFormatError`."""
    prefix, data = bech32.decode(text.strip())
    if text.strip() != text.strip().lower():
        raise KeyFormatError("a recipient is written in lower case")
    if prefix == HYBRID_RECIPIENT_PREFIX:
        return HybridRecipient(data)
    if prefix == X25519_RECIPIENT_PREFIX:
        return X25519Recipient(data)
    raise KeyFormatError("not a recipient of a known type")


def parse_identity(text: str) -> HybridIdentity | X25519Identity:
    """`AGE-SECRET-KEY-PQ-1…` or `AGE-SECRET-KEY-1…`. Raises `KeyFormatError`."""
    prefix, data = bech32.decode(text.strip())
    if text.strip() != text.strip().upper():
        raise KeyFormatError("an identity is written in upper case")
    if prefix == HYBRID_IDENTITY_PREFIX:
        return HybridIdentity(data)
    if prefix == X25519_IDENTITY_PREFIX:
        return X25519Identity(data)
    raise KeyFormatError("not an identity of a known type")


def parse_recipients(text: str) -> list[HybridRecipient | X25519Recipient]:
    """A recipients file: one a line, `#` begins a comment. Raises `KeyFormatError` that names the line."""
    return _each(text, parse_recipient)


def parse_identities(text: str) -> list[HybridIdentity | X25519Identity]:
    """An identity file: one a line, `#` begins a comment. Raises `KeyFormatError` that names the line."""
    return _each(text, parse_identity)


def _each(text: str, parse: Callable[[str], Key]) -> list[Key]:
    keys = []
    for number, line in _lines(text):
        try:
            keys.append(parse(line))
        except KeyFormatError as error:
            raise KeyFormatError(f"line {number}: {error}") from None
    return keys


def _lines(text: str) -> list[tuple[int, str]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]
