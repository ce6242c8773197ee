"""ASCII armor: an age file as text.

Owns the strict reading and the writing of it. Refuses everything that could be written two ways: lines of odd length,
missing padding, headers, text before or after. Source: C2SP age, "ASCII armor"; RFC 7468, strict.
"""

from __future__ import annotations

import base64
import binascii
import io
from typing import BinaryIO

from .errors import ArmorError
from .stream import read_fully, write_fully

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"
MARK = b"-----"
_COLUMNS = 64
_LINE_BYTES = 48
# White space around the armor is forgiven up to here.
MAX_WHITESPACE = 1024
# No line of an armored file is longer; a longer one is cut and refused.
_MAX_LINE = 128


class ArmorWriter(io.RawIOBase):
    """Takes bytes, writes lines; `finish` writes what is left and the last line."""

    def __init__(self, target: BinaryIO) -> None:
        super().__init__()
        self._target = target
        self._rest = b""
        write_fully(target, BEGIN + b"\n")

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write every full line."""
        pending = self._rest + data
        full = len(pending) // _LINE_BYTES * _LINE_BYTES
        text = base64.b64encode(pending[:full])
        lines = [text[start : start + _COLUMNS] + b"\n" for start in range(0, len(text), _COLUMNS)]
        write_fully(self._target, b"".join(lines))
        self._rest = pending[full:]
        return len(data)

    def finish(self) -> None:
        """Write the last line and the end."""
        last = base64.b64encode(self._rest) + b"\n" if self._rest else b""
        write_fully(self._target, last + END + b"\n")


class ArmorReader(io.RawIOBase):
    """Reads the bytes of an armored file whose first line, `BEGIN`, was read already.

    Raises `ArmorError` from reads.
    """

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Up to `len(buffer)` bytes; 0 after a well-formed end."""
        while not self._ready and not self._ended:
            self._next_line()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next_line(self) -> None:
        line = self._line()
        if line == END:
            self._drain()
            return
        if not 0 < len(line) <= _COLUMNS:
            raise ArmorError("a line of the armor is empty or too long")
        self._ready = _decode(line)
        if len(self._ready) < _LINE_BYTES:  # a short line is the last one
            if self._line() != END:
                raise ArmorError("a short line stands within the armor")
            self._drain()

    def _line(self) -> bytes:
        line = self._source.readline(_MAX_LINE)
        if not line:
            raise ArmorError("the armor does not end")
        return strip_end(line)

    def _drain(self) -> None:
        rest = read_fully(self._source, MAX_WHITESPACE)
        if rest.strip() or len(rest) == MAX_WHITESPACE:
            raise ArmorError("something follows the armor")
        self._ended = True


def strip_end(line: bytes) -> bytes:
    """A line without its end, LF or CRLF."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _decode(line: bytes) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise ArmorError("a line of the armor is not base64") from None
    if base64.b64encode(raw) != line:
        raise ArmorError("a line of the armor is not canonical base64")
    return raw
