"""Large bodies, read a piece at a time.

Owns the limit and the comparison with what was announced. Refuses to hold a body: each piece is handed on before the
next is read, so the size of an upload is never the size of this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import request
from werkzeug.exceptions import ClientDisconnected

from .problems import Problem

# One stored row; large enough that a letter is few rows, small enough that a thread holds little.
CHUNK_BYTES = 1024 * 1024


def incoming(limit: int, chunk: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The body of the current request, at most `limit` bytes, in pieces of `chunk` (the last may be shorter).

    Raises problem 413 `too-large` and 400 `truncated`, while reading.
    """
    # The limit for JSON bodies does not hold here; one chunk more, so that the refusal below is the one that is heard.
    request.max_content_length = limit + chunk
    return read_limited(request.stream, limit, chunk, announced=request.content_length)


def read_limited(
    stream: IO[bytes], limit: int, chunk: int = CHUNK_BYTES, *, announced: int | None = None
) -> Iterator[bytes]:
    """The bytes of `stream` in pieces of exactly `chunk`, the last one shorter.

    Raises problem 413 `too-large` as soon as `announced` or what was read exceeds `limit`, and 400 `truncated` when the
    stream ends before `announced`.
    """
    if announced is not None and announced > limit:
        raise too_large(limit)
    total = 0
    while piece := _read_fully(stream, chunk):
        total += len(piece)
        if total > limit:
            raise too_large(limit)
        yield piece
    if announced is not None and total < announced:
        raise truncated()


def too_large(limit: int) -> Problem:
    """The body is larger than `limit` bytes."""
    return Problem(413, "too-large", "Too large", f"The body is larger than {limit} bytes. Send less.", limit=limit)


def truncated() -> Problem:
    """The body ended before its announced length."""
    return Problem(400, "truncated", "Body cut short", "The body ended before its announced length. Send it again.")


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    """`size` bytes, or fewer at the end: one read of a socket may return less than was asked for."""
    pieces = []
    missing = size
    try:
        while missing and (piece := stream.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except (ClientDisconnected, OSError):
        raise truncated() from None
    return b"".join(pieces)
