"""The payload: ChaCha20-Poly1305 in chunks of 64 KiB (STREAM), in constant memory.

Owns writing and reading of chunks. Refuses to hand out a byte that is not verified, and to call a file whole that
lost or gained a chunk. Source: C2SP age, "Payload"; Hoang et al., "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance" (STREAM).
"""

from __future__ import annotations

import io
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from .errors import PayloadError

CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
NONCE_BYTES = 16


class EncryptingWriter:
    """Takes plaintext, writes chunks.

    Only `close` writes the last chunk: without it, a reader sees a file cut short.
    """

    def __init__(self, target: BinaryIO, key: bytes) -> None:
        self._target = target
        self._aead = ChaCha20Poly1305(key)
        self._buffer = bytearray()
        self._counter = 0
        self._closed = False

    def write(self, data: bytes) -> int:
        """Encrypt what fills chunks, keep the rest."""
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:  # a full chunk may be the last one: it waits for what comes after
            self._emit(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        """Write the last chunk."""
        if not self._closed:
            self._closed = True
            self._emit(bytes(self._buffer), last=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _emit(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._aead.encrypt(_nonce(self._counter, last=last), chunk, None))
        self._counter += 1


class DecryptingReader(io.RawIOBase):
    """Reads verified plaintext; wrap it in `io.BufferedReader`. Raises `PayloadError` from reads."""

    def __init__(self, source: BinaryIO, key: bytes) -> None:
        super().__init__()
        self._source = source
        self._aead = ChaCha20Poly1305(key)
        self._counter = 0
        self._plain = memoryview(b"")
        self._ahead = _read_fully(source, CHUNK_BYTES + TAG_BYTES)
        self._finished = False
        self._failure: PayloadError | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Up to `len(buffer)` verified bytes; 0 at the verified end."""
        while not self._plain and not self._finished:
            self._next_chunk()
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _next_chunk(self) -> None:
        if self._failure:
            raise self._failure
        chunk, self._ahead = self._ahead, _read_fully(self._source, CHUNK_BYTES + TAG_BYTES)
        last = not self._ahead
        plain = self._open(chunk, last=last)
        if plain is None and not last and (plain := self._open(chunk, last=True)) is not None:
            # A last chunk with something behind it: it was written as such, what follows was not.
            self._failure = PayloadError("something follows the end of the payload")
        if plain is None:
            self._failure = PayloadError("the payload was changed or cut short")
            raise self._failure
        if last and not plain and self._counter:
            self._failure = PayloadError("the last chunk is empty")
            raise self._failure
        self._counter += 1
        self._finished = last
        self._plain = memoryview(plain)

    def _open(self, chunk: bytes, *, last: bool) -> bytes | None:
        try:
            return self._aead.decrypt(_nonce(self._counter, last=last), chunk, None)
        except InvalidTag:
            return None


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _read_fully(source: BinaryIO, size: int) -> bytes:
    """`size` bytes, or fewer only at the end: a pipe gives what it has."""
    first = source.read(size) or b""
    if len(first) in (0, size):
        return first
    pieces = [first]
    missing = size - len(first)
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
