"""The streams beneath a letter: counted and hashed on their way.

Owns three small wrappers that let a letter of any size pass in constant memory. Refuses to buffer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# Four chunks of the age payload: large enough to be fast, small enough not to matter.
PIECE = 256 * 1024
Progress = Callable[[int], None]


class HashingWriter:
    """Writes to `target`, and knows SHA-256 and number of the bytes written."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._target.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """Of everything written, in lower-case hexadecimal."""
        return self._digest.hexdigest()


class HashingReader:
    """Reads from `source`, and knows SHA-256 of the bytes read; the source's own position must not be moved."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        """As the source's `read`."""
        data = self._source.read(size)
        self._digest.update(data)
        return data

    def readline(self, limit: int) -> bytes:
        """As the source's `readline`: a line with its line feed, or its first `limit` bytes."""
        data = self._source.readline(limit)
        self._digest.update(data)
        return data

    @property
    def sha256(self) -> str:
        """Of everything read, in lower-case hexadecimal."""
        return self._digest.hexdigest()


@contextmanager
def reading(body: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The body as a stream that can be rewound; a stream that was given is left open."""
    if isinstance(body, Path):
        with body.open("rb") as source:
            yield source
    else:
        yield body


def pieces(source: BinaryIO) -> Iterator[bytes]:
    """Everything from here to the end."""
    while piece := source.read(PIECE):
        yield piece


__all__ = ["PIECE", "HashingReader", "HashingWriter", "Progress", "pieces", "reading"]
