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

from .errors import AgeError, PayloadError

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
        """Encrypt what fills chunks, keep the rest. Raises `ValueError` after the last chunk or a failure."""
        if self._closed:
            raise ValueError("the file is complete, or was given up")
        rest = memoryview(data)
        while rest:
            if len(self._buffer) == CHUNK_BYTES:  # it might have been the last chunk, had nothing come after it
                self._emit(self._buffer, last=False)
                self._buffer.clear()
            room = CHUNK_BYTES - len(self._buffer)
            self._buffer += rest[:room]
            rest = rest[room:]
        return len(data)

    def close(self) -> None:
        """Write the last chunk."""
        if not self._closed:
            self._closed = True
            self._emit(self._buffer, last=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        self._closed = True  # after a failure nobody may close it later: half a plaintext would look whole

    def _emit(self, chunk: bytearray, *, last: bool) -> None:
        nonce = _nonce(self._counter, last=last)
        self._counter += 1  # before the write: a nonce never serves twice, not even when the target fails
        write_fully(self._target, self._aead.encrypt(nonce, chunk, None))


class DecryptingReader(io.RawIOBase):
    """Reads verified plaintext; wrap it in `io.BufferedReader`. Raises `PayloadError` from reads."""

    def __init__(self, source: BinaryIO, key: bytes) -> None:
        super().__init__()
        self._source = source
        self._aead = ChaCha20Poly1305(key)
        self._counter = 0
        self._plain = b""
        self._taken = 0
        self._last = False
        self._finished = False
        self._failure: AgeError | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Up to `len(buffer)` verified bytes; 0 at the verified end."""
        self._advance()
        piece = memoryview(self._plain)[self._taken : self._taken + len(buffer)]
        buffer[: len(piece)] = piece
        self._taken += len(piece)
        return len(piece)

    def read_chunk(self) -> bytes:
        """The next verified bytes, up to 64 KiB, without another copy; none at the verified end."""
        self._advance()
        chunk = self._plain[self._taken :]
        self._taken = len(self._plain)
        return chunk

    def _advance(self) -> None:
        while self._taken == len(self._plain) and not self._finished:
            self._step()

    def _step(self) -> None:
        if self._failure:  # once refused, always refused: reading on must not skip what was wrong
            raise self._failure
        try:
            if self._last:
                self._end()
            else:
                self._plain, self._taken = self._next_chunk(), 0
        except AgeError as error:
            self._failure = error
            raise

    def _next_chunk(self) -> bytes:
        # What is shorter than a full chunk can only be the last one. A full chunk is either: its nonce tells.
        chunk = read_fully(self._source, CHUNK_BYTES + TAG_BYTES)
        plain = self._open(chunk, last=False) if len(chunk) == CHUNK_BYTES + TAG_BYTES else None
        if plain is None:
            plain = self._open(chunk, last=True)
            self._last = True
        if plain is None:
            raise PayloadError("the payload was changed or cut short")
        if not plain and self._counter:
            raise PayloadError("the last chunk is empty")
        self._counter += 1
        return plain

    def _end(self) -> None:
        if self._source.read(1):
            raise PayloadError("something follows the end of the payload")
        self._finished = True

    def _open(self, chunk: bytes, *, last: bool) -> bytes | None:
        try:
            return self._aead.decrypt(_nonce(self._counter, last=last), chunk, None)
        except InvalidTag:
            return None


def _nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def read_fully(source: BinaryIO, size: int) -> bytes:
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


def write_fully(target: BinaryIO, data: bytes) -> None:
    """Write it all: an unbuffered file may take less than it is given, and another may not say how much it took."""
    rest = memoryview(data)
    while rest:
        taken = target.write(rest)
        rest = rest[len(rest) if taken is None else taken :]
