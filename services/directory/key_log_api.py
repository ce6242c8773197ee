"""The key log's addresses (C2SP tlog-tiles): checkpoint, tiles, entries, and the key that signs.

Owns paths, media types and how long an answer may be kept. Refuses decisions. Whoever likes may watch that the log only
grows; who is in it is for those who are signed in.
"""

from __future__ import annotations

from typing import Any

from concord_formats.tiles import Tile, TileError, parse_entries_path
from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from services.chassis.problems import declared, not_found
from services.chassis.web import SIGNED_IN, Answer, answer, blueprint

from . import usecases
from .deps import Deps

# A year, which is for ever to a cache (RFC 9111): a tile's path says how wide it is, and its hashes never change.
_SECONDS = 31_536_000
_FOR_ALL = {"Cache-Control": f"public, max-age={_SECONDS}, immutable"}
_FOR_ONE = {"Cache-Control": f"private, max-age={_SECONDS}, immutable"}
_BYTES: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_TEXT: dict[str, Any] = {"content": {"text/plain": {"schema": {"type": "string"}}}}


class TilePath(BaseModel):
    """`<L>/<N>`, and `.p/<W>` for a partial tile."""

    tile: str


class EntriesPath(BaseModel):
    """`<N>`, and `.p/<W>` for a partial bundle."""

    bundle: str


class LogKeyAnswer(Answer):
    """The log's name, the key that signs it, the notes that led to it, oldest first, and the keys of its witnesses."""

    origin: str
    key: str
    succession: list[str]
    witnesses: list[str]


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_public(deps), _entries(deps)]


def _public(deps: Deps) -> APIBlueprint:
    api = blueprint("key_log", __name__, tag="key log")

    @api.get("/log/checkpoint", responses={200: {"description": "A signed note"} | _TEXT, **declared(500)})
    def show_checkpoint() -> Response:
        """The log as it is now: size and root, signed, and since when that is known."""
        return Response(usecases.log_checkpoint(deps), content_type="text/plain; charset=utf-8")

    @api.get("/log/tile/<path:tile>", responses={200: {"description": "Hashes"} | _BYTES, **declared(404, 500)})
    def show_tile(path: TilePath) -> Response:
        """A tile of the tree: up to 256 hashes of 32 bytes."""
        return _kept(usecases.log_tile(deps, _tile(path.tile)), _FOR_ALL)

    @api.get("/log/key", responses={200: LogKeyAnswer})
    def show_key() -> Response:
        """The key of the log, and the keys of those who watch it."""
        key, witnesses = deps.log_key, deps.settings.named_witnesses()
        shown = LogKeyAnswer(
            origin=key.verifier.name,
            key=key.verifier.encode(),
            succession=list(key.succession),
            witnesses=[witness.encode() for witness, _ in witnesses],
        )
        return answer(shown)

    return api


def _entries(deps: Deps) -> APIBlueprint:
    api = blueprint("key_log_entries", __name__, tag="key log", security=SIGNED_IN)

    @api.get(
        "/log/tile/entries/<path:bundle>",
        responses={200: {"description": "Bindings"} | _BYTES, **declared(401, 404, 500)},
    )
    def show_entries(path: EntriesPath) -> Response:
        """Up to 256 bindings, each after its length in two bytes."""
        try:
            index, width = parse_entries_path(path.bundle)
        except TileError:
            raise not_found("tile") from None
        return _kept(usecases.log_bundle(deps, index, width), _FOR_ONE)

    return api


def _tile(path: str) -> Tile:
    try:
        return Tile.parse(path)
    except TileError:
        raise not_found("tile") from None


def _kept(raw: bytes, headers: dict[str, str]) -> Response:
    return Response(raw, headers=headers, content_type="application/octet-stream")
