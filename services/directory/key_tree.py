"""The tree of the key log: where it is stored, and its tiles and entries as they are given out.

Owns the tables of the tree and the reading of tiles (C2SP tlog-tiles). Refuses to append: `key_log.py` does. A tile is
given out once a signed checkpoint has reached it, and is then the same for ever: one that is not whole is given to
nobody, since caches would keep it.
"""

from __future__ import annotations

from concord_formats.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.merkle_log import MerkleLog
from services.chassis.problems import Problem, not_found

from .deps import Deps
from .models import KeyCheckpointRow, KeyLeafRow, KeyLogRow, KeyNodeRow

TREE = MerkleLog(KeyLogRow, KeyLeafRow, KeyNodeRow)


class AlteredKeyLogError(Problem):
    """What is stored is not the log of which checkpoints were given out."""

    def __init__(self) -> None:
        detail = (
            "What is stored is not what was recorded. Nothing is signed until a person has looked: tell the operator."
        )
        super().__init__(500, "key-log-altered", "Key log altered", detail)


def tile(deps: Deps, asked: Tile) -> bytes:
    """The hashes of a tile, one after the other.

    Raises problem 404 for one that no checkpoint has reached, `AlteredKeyLogError`.
    """
    start = asked.index * TILE_WIDTH
    with deps.database.transaction() as session:
        _check_reached(session, (start + asked.width) << TILE_HEIGHT * asked.level)
        hashes = TREE.row(session, TILE_HEIGHT * asked.level, start, start + asked.width)
    return b"".join(_whole(hashes, asked.width))


def bundle(deps: Deps, index: int, width: int) -> bytes:
    """The bindings of an entry bundle.

    Raises problem 404 for one that no checkpoint has reached, `AlteredKeyLogError`.
    """
    start = index * TILE_WIDTH
    with deps.database.transaction() as session:
        _check_reached(session, start + width)
        return encode_bundle(_whole(TREE.data(session, start, start + width), width))


def _check_reached(session: Session, size: int) -> None:
    if size > (session.scalar(select(func.max(KeyCheckpointRow.size))) or 0):
        raise not_found("tile")


def _whole(found: list[bytes], width: int) -> list[bytes]:
    if len(found) != width:
        raise AlteredKeyLogError
    return found
