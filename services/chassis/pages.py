"""Pages of a long list: a cursor that names the last row seen, so that rows that come or go meanwhile shift nothing.

Owns the encoding of cursors. Refuses meaning: what a cursor's parts are is known to the query that made it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence

from .problems import invalid_field

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR = 1024


def encode_cursor(parts: Sequence[str | int]) -> str:
    """An opaque text for `parts`, safe in a query."""
    raw = json.dumps(list(parts), separators=(",", ":")).encode("utf-8")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_cursor(text: str, kinds: Sequence[type[str] | type[int]]) -> list[str | int]:
    """The parts of a cursor, each of the kind expected. Raises problem 422 that names `cursor`."""
    try:
        if len(text) > MAX_CURSOR:
            raise ValueError("too long")
        parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise _invalid()
    if any(isinstance(part, str) and (not part.isprintable()) for part in parts):
        raise _invalid()
    return parts


def _invalid() -> Exception:
    return invalid_field("cursor", "use the `next` of the page before, unchanged")
