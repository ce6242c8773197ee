"""Signed notes and checkpoints: what a log says of itself, under its key.

Owns the text forms of C2SP's signed-note (Ed25519 signatures, byte 0x01) and tlog-checkpoint, the text form of a
verifier key, and their strict reading. Refuses key files and trust: whoever verifies brings the key it trusts. See
https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .merkle import HASH_BYTES, MAX_SIZE

# C2SP signed-note, "Signature types": an Ed25519 signature of the text.
ED25519 = b"\x01"
KEY_BYTES = 32
SIGNATURE_BYTES = 64
ID_BYTES = 4
# Ours are below 4 KiB; the bound keeps a hostile file from costing time.
MAX_NOTE_CHARACTERS = 64 * 1024
# A log's own signature and time, and those of some witnesses.
MAX_SIGNATURES = 16

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f\ud800-\udfff]{1,256}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014 "


class NoteError(ValueError):
    """A note, a checkpoint or a key is malformed, or nobody we know signed the note."""


@dataclass(frozen=True)
class NoteKey:
    """An Ed25519 public key under the name with which it signs; the subclass says what a signature of it is about."""

    name: str
    ed25519: bytes

    KIND: ClassVar[bytes]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise NoteError("a key's name is 1 to 256 characters without spaces and plus signs")
        if len(self.ed25519) != KEY_BYTES:
            raise NoteError(f"an Ed25519 key is {KEY_BYTES} bytes")

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> Self:
        """The public half of `key`. Raises `NoteError` for a name that cannot stand in a note."""
        return cls(name, key.public_key().public_bytes_raw())

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read `name+id+key`. Raises `NoteError`."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise NoteError("a verifier key is written name+id+key")
        raw = from_base64(parts[2])
        if raw[:1] != cls.KIND:
            raise NoteError("the key is of another kind")
        key = cls(parts[0], raw[1:])
        if key.id.hex() != parts[1]:
            raise NoteError("the key's id belongs to another key")
        return key

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ line feed ‖ kind ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.KIND + self.ed25519).digest()[:ID_BYTES]

    def encode(self) -> str:
        """`name+id+key`: the id in hexadecimal, the key in base64 after the byte that says its kind."""
        return f"{self.name}+{self.id.hex()}+{to_base64(self.KIND + self.ed25519)}"


@dataclass(frozen=True)
class VerifierKey(NoteKey):
    """The public half of a log's key, under the name with which it signs."""

    KIND: ClassVar[bytes] = ED25519


@dataclass(frozen=True)
class Checkpoint:
    """What a log was at one moment: its name, how many leaves it had, and their root."""

    origin: str
    size: int
    root: bytes

    def encode(self) -> str:
        """The text to be signed: three lines. Raises `NoteError` for what cannot stand in one."""
        if not self.origin or "\n" in self.origin or not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise NoteError("no checkpoint of a log")
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a verified note. Raises `NoteError`; lines beyond the third are refused."""
        origin, size, root = text_lines(text, 3)
        checkpoint = cls(origin, parse_number(size), from_base64(root))
        if checkpoint.encode() != text:
            raise NoteError("no checkpoint of a log")
        return checkpoint


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note: `text` (which ends with a line feed), an empty line, one signature. Raises `NoteError`."""
    check_text(text)
    return f"{text}\n{signature_line(name, VerifierKey.of(name, key).id + key.sign(text.encode()))}"


def verify_note(note: str, key: VerifierKey) -> str:
    """The text of a note that `key` signed. Raises `NoteError`.

    Signatures of keys that are not asked about are left alone, as the specification wants it; each line must be one.
    """
    text, signatures = taken_apart(note)
    own = [raw[ID_BYTES:] for name, raw in signatures if name == key.name and raw[:ID_BYTES] == key.id]
    if len(own) != 1:
        raise NoteError("the note is not signed by this key, or more than once")
    try:
        Ed25519PublicKey.from_public_bytes(key.ed25519).verify(own[0], text.encode())
    except (InvalidSignature, ValueError):
        raise NoteError("the signature is not of this text and this key") from None
    return text


def unverified_text(note: str) -> str:
    """The text of a note, whoever signed it. Raises `NoteError`."""
    return taken_apart(note)[0]


def text_lines(text: str, count: int) -> list[str]:
    """The `count` lines of a note's text, none of them empty. Raises `NoteError`."""
    lines = text.split("\n")
    if len(lines) != count + 1 or lines.pop() or not all(lines):
        raise NoteError(f"the note does not say {count} things")
    return lines


def parse_number(text: str) -> int:
    """A decimal number of at most 19 digits without leading zeros. Raises `NoteError`."""
    if not _NUMBER.fullmatch(text):
        raise NoteError("not a decimal number")
    return int(text)


def signature_line(name: str, raw: bytes) -> str:
    """The line under a note: `raw` is the key's id and what it signed. With its line feed."""
    return f"{_DASH}{name} {to_base64(raw)}\n"


def taken_apart(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures: name, and key id with what follows it. Raises `NoteError`."""
    if len(note) > MAX_NOTE_CHARACTERS:
        raise NoteError("the note is too long")
    # The last empty line divides: a text may hold empty lines, signatures cannot.
    text, divider, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not divider or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise NoteError("not a signed note")
    check_text(text + "\n")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, signature = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _NAME.fullmatch(name):
        raise NoteError("a line under the note is no signature")
    raw = from_base64(signature)
    if len(raw) <= ID_BYTES:
        raise NoteError("a signature is too short")
    return name, raw


def check_text(text: str) -> None:
    """Raises `NoteError` for what cannot be the text of a note."""
    if not text.endswith("\n") or text == "\n" or _CONTROL.search(text):
        raise NoteError("a note's text is lines that end with a line feed, without control characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NoteError("a note's text is UTF-8") from None


def to_base64(raw: bytes) -> str:
    """Base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(raw).decode("ascii")


def from_base64(text: str) -> bytes:
    """Strict base64 with padding: one text for one value. Raises `NoteError`."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("not base64") from None
    if to_base64(raw) != text:
        raise NoteError("not canonical base64")
    return raw


__all__ = [
    "Checkpoint",
    "NoteError",
    "NoteKey",
    "VerifierKey",
    "check_text",
    "from_base64",
    "parse_number",
    "sign_note",
    "signature_line",
    "taken_apart",
    "text_lines",
    "to_base64",
    "unverified_text",
    "verify_note",
]
