"""The age v1 file format on `cryptography` alone, usable on its own.

Owns the format: hybrid post-quantum, X25519 and passphrase recipients, ASCII armor, streaming. Refuses plugins and
other recipient types. Our profile of the format is `spec/age.md`.
"""

from .errors import (
    AgeError,
    ArmorError,
    HeaderError,
    HeaderMacError,
    KeyFormatError,
    NoMatchError,
    PayloadError,
    WrongPassphraseError,
)
from .file import decrypt, decrypt_bytes, decrypting_reader, encrypt, encrypt_bytes, encrypting_writer
from .hybrid import HybridIdentity, HybridRecipient
from .keys import Identity, Recipient
from .scrypt import ScryptIdentity, ScryptRecipient
from .texts import parse_identities, parse_identity, parse_recipient, parse_recipients
from .x25519 import X25519Identity, X25519Recipient

__all__ = [
    "AgeError",
    "ArmorError",
    "HeaderError",
    "HeaderMacError",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "KeyFormatError",
    "NoMatchError",
    "PayloadError",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "WrongPassphraseError",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "decrypt_bytes",
    "decrypting_reader",
    "encrypt",
    "encrypt_bytes",
    "encrypting_writer",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
    "parse_recipients",
]
