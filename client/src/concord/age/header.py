"""The header of an age file: its version line, its stanzas and its MAC.

Owns the grammar, read strictly, and the derivation of the header's MAC and the payload's key. Refuses everything the
grammar does not allow, and more than a bounded header: it is read before anything is verified. Source: C2SP age,
"Header".
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import HeaderError

VERSION_LINE = b"age-encryption.org/v1\n"
FILE_KEY_BYTES = 16
COLUMNS = 64
# Twenty hybrid recipients need 32 KiB; this bounds what an unverified file can make us hold.
MAX_HEADER_BYTES = 256 * 1024
# The longest line of a known stanza is that of mlkem768x25519, about 1.5 KiB.
MAX_LINE_BYTES = 16 * 1024
SCRYPT = "scrypt"
_MAC_BYTES = 32


@dataclass(frozen=True)
class Stanza:
    """One way to the file key: its type, its arguments and its body."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    def encode(self) -> bytes:
        """The stanza as it stands in a header."""
        text = b64encode(self.body)
        lines = [text[i : i + COLUMNS] for i in range(0, len(text) + 1, COLUMNS)]  # always ends with a short line
        return f"-> {' '.join((self.type, *self.arguments))}\n".encode("ascii") + b"\n".join(lines) + b"\n"


@dataclass(frozen=True)
class Header:
    """The stanzas, the MAC, and the bytes that the MAC is over."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    authenticated: bytes

    def verify(self, file_key: bytes) -> bool:
        """Whether the MAC verifies under this file key."""
        return hmac.compare_digest(self.mac, _mac(file_key, self.authenticated))


def encode_header(stanzas: Sequence[Stanza], file_key: bytes) -> bytes:
    """A whole header. Raises `HeaderError` for one that would be too long to be read again."""
    authenticated = VERSION_LINE + b"".join(stanza.encode() for stanza in stanzas) + b"---"
    header = authenticated + b" " + b64encode(_mac(file_key, authenticated)) + b"\n"
    if len(header) > MAX_HEADER_BYTES:
        raise HeaderError("the header is too long: the file has too many recipients")
    return header


def read_header(source: BinaryIO, first_line: bytes | None = None) -> Header:
    """Read a header, and not a byte more. `first_line` was read before. Raises `HeaderError`."""
    return _Parser(source, first_line).header()


def derive(file_key: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256 to 32 bytes: of the file key, or of a shared secret."""
    return HKDF(SHA256(), 32, salt, info).derive(file_key)


def b64encode(raw: bytes) -> bytes:
    """Standard base64 without padding."""
    return base64.b64encode(raw).rstrip(b"=")


def b64decode(text: bytes) -> bytes:
    """Standard base64 without padding, in its one canonical form. Raises `HeaderError`."""
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise HeaderError("not base64") from None
    if b64encode(raw) != text:
        raise HeaderError("not canonical base64")
    return raw


def _mac(file_key: bytes, authenticated: bytes) -> bytes:
    return hmac.digest(derive(file_key, b"header"), authenticated, "sha256")


class _Parser:
    def __init__(self, source: BinaryIO, first_line: bytes | None) -> None:
        self._source = source
        self._first = first_line
        self._read = bytearray()

    def header(self) -> Header:
        if self._line() != VERSION_LINE[:-1]:
            raise HeaderError("not an age file of version 1")
        stanzas: list[Stanza] = []
        line = self._line()
        while not line.startswith(b"---"):
            stanzas.append(self._stanza(line))
            line = self._line()
        if not stanzas or not line.startswith(b"--- "):
            raise HeaderError("the header has no stanza, or ends without a MAC")
        mac = b64decode(line[4:])
        if len(mac) != _MAC_BYTES:
            raise HeaderError("the MAC is not 32 bytes")
        if len(stanzas) > 1 and any(stanza.type == SCRYPT for stanza in stanzas):
            # Whoever opens a file with a passphrase takes its writer for one who knows it: no other way in.
            raise HeaderError("a scrypt stanza stands alone")
        authenticated = bytes(self._read[: -len(line) - 1]) + b"---"
        return Header(tuple(stanzas), mac, authenticated)

    def _stanza(self, line: bytes) -> Stanza:
        words = line.split(b" ")
        if words[0] != b"->" or len(words) < 2:
            raise HeaderError("a stanza starts with '-> ' and its type")
        if any(not word or any(not 33 <= byte <= 126 for byte in word) for word in words[1:]):
            raise HeaderError("an argument of a stanza is empty or not printable ASCII")
        type_, *arguments = (word.decode("ascii") for word in words[1:])
        return Stanza(type_, tuple(arguments), self._body())

    def _body(self) -> bytes:
        body = b""
        while True:
            line = self._line()
            if len(line) > COLUMNS:
                raise HeaderError("a line of a stanza's body is longer than 64 columns")
            body += b64decode(line)
            if len(line) < COLUMNS:
                return body

    def _line(self) -> bytes:
        line = self._first if self._first is not None else self._source.readline(MAX_LINE_BYTES)
        self._first = None
        if not line.endswith(b"\n"):
            raise HeaderError("the header is cut short, or a line of it is too long")
        self._read += line
        if len(self._read) > MAX_HEADER_BYTES:
            raise HeaderError("the header is too long")
        return line[:-1]
