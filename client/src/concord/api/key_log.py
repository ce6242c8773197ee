"""The key log's calls: its checkpoint, its bundles of bindings, its key.

Owns the paths (C2SP tlog-tiles), and the bounds on what is read. Refuses to judge: whether a checkpoint or a bundle is
true is `concord.key_log`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from concord_formats.key_log import MAX_BINDING_BYTES
from concord_formats.tiles import TILE_WIDTH, TileError, decode_bundle, entries_path
from pydantic import ValidationError

from ..errors import MalformedLogError, ServiceError
from ..transport import Transport
from .shapes import Answer

PREFIX = "/directory/log"
# A note has at most 64 Ki characters of up to four bytes each; ours are below a kilobyte.
MAX_NOTE_BYTES = 256 * 1024
# The longest bundle there can be: each binding after its length of two bytes.
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_BINDING_BYTES)
# 240 notes of succession, and the keys of some witnesses.
MAX_KEY_BYTES = 1024 * 1024


class LogKey(Answer):
    """The log as its operator describes it: name, verifier key, the notes that lead to it, its witnesses' keys."""

    origin: str
    key: str
    succession: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()


class KeyLogApi:
    """Calls to `/directory/log`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def base_url(self) -> str:
        """The origin of the services, from which the log has its name."""
        return self._transport.base_url

    def checkpoint(self) -> str:
        """The newest checkpoint's note. Raises `MalformedLogError` when it is no text."""
        try:
            return self._get("/checkpoint", MAX_NOTE_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedLogError("the log's checkpoint is not text") from None

    def key(self) -> LogKey:
        """The log's key, and how it came to be this one. Raises `MalformedLogError`."""
        try:
            return LogKey.model_validate_json(self._get("/key", MAX_KEY_BYTES))
        except ValidationError:
            raise MalformedLogError("the log's key cannot be read") from None

    def bundle(self, index: int, width: int) -> Sequence[bytes]:
        """The first `width` bindings of a bundle, as they were logged. Raises `MalformedLogError`.

        Where the partial bundle is gone, the whole one holds the same (C2SP tlog-tiles, "Partial Tiles").
        """
        try:
            return self._bundle(index, width)
        except ServiceError as refused:
            if width == TILE_WIDTH or refused.status != HTTPStatus.NOT_FOUND:
                raise
        return self._bundle(index, TILE_WIDTH)[:width]

    def _bundle(self, index: int, width: int) -> Sequence[bytes]:
        raw = self._get(f"/tile/entries/{entries_path(index, width)}", MAX_BUNDLE_BYTES)
        try:
            return decode_bundle(raw, width)
        except TileError as error:
            raise MalformedLogError(f"bundle {index} of the log cannot be read: {error}") from None

    def _get(self, path: str, limit: int) -> bytes:
        received = bytearray()
        # As it is, and not compressed: a small body may not become a large one before it is measured.
        plain = {"Accept-Encoding": "identity"}
        with self._transport.stream("GET", PREFIX + path, headers=plain) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise MalformedLogError("an answer of the log is compressed, which was not asked for")
            for piece in response.iter_bytes():
                received += piece
                if len(received) > limit:
                    raise MalformedLogError(f"an answer of the log is longer than {limit} bytes")
        return bytes(received)


__all__ = ["KeyLogApi", "LogKey"]
