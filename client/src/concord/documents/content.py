"""The bytes of a document, wherever they are.

Owns reading from a path or a seekable stream, and the bound on what is read whole. Refuses to read a larger one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import DocumentError

# Structured documents are parsed in memory, at some twenty times their size; a larger one is not for people to read.
MAX_STRUCTURED_BYTES = 64 * 1024 * 1024
_PIECE = 256 * 1024


class Content:
    """A document's bytes."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.size = source.seek(0, io.SEEK_END)

    def start(self) -> bytes:
        """The first bytes that are no white space or byte order mark."""
        self._source.seek(0)
        return self._source.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()

    def end(self) -> bytes:
        """The last kilobyte."""
        self._source.seek(max(0, self.size - 1024))
        return self._source.read(1024)

    def whole(self) -> bytes:
        """All of it. Raises `DocumentError` when it is too large to be read whole."""
        if self.size > MAX_STRUCTURED_BYTES:
            raise DocumentError(f"it is larger than {MAX_STRUCTURED_BYTES // 1024**2} MiB")
        self._source.seek(0)
        return self._source.read()

    def pieces(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        self._source.seek(0)
        while piece := self._source.read(_PIECE):
            yield piece

    def rewind(self) -> None:
        """Back to the start."""
        self._source.seek(0)


@contextmanager
def reading(body: Path | BinaryIO) -> Iterator[Content]:
    """The content of a path, or of a stream, which is then left at its start."""
    if isinstance(body, Path):
        with body.open("rb") as source:
            yield Content(source)
        return
    content = Content(body)
    try:
        yield content
    finally:
        content.rewind()


__all__ = ["MAX_STRUCTURED_BYTES", "Content", "reading"]
