"""The tree in the mirror's file, as tiles.

Owns where each hash stands, and how the tree grows and is cut back. Refuses to know what a leaf is about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from concord_formats.merkle import EMPTY_ROOT, HASH_BYTES, inclusion_ranges
from concord_formats.merkle import root as hash_of
from concord_formats.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, range_hash, tile_hashes


def root(db: sqlite3.Connection, size: int) -> bytes:
    """The root of the first `size` leaves. Raises LookupError when they are not there."""
    return range_hash(0, size, size, lambda tile: _hashes(db, tile)) if size else EMPTY_ROOT


def path(db: sqlite3.Connection, leaf: int, size: int) -> list[bytes]:
    """The inclusion path of a leaf in the tree of the first `size` leaves, lowest first."""
    return [range_hash(*each, size, lambda tile: _hashes(db, tile)) for each in inclusion_ranges(leaf, size)]


def leaf_hash(db: sqlite3.Connection, leaf: int) -> bytes:
    """The hash of a leaf."""
    place, within = divmod(leaf, TILE_WIDTH)
    return _hashes(db, Tile(0, place, within + 1))[within]


def extend(db: sqlite3.Connection, size: int, hashes: Sequence[bytes]) -> None:
    """Put the hashes of leaves at the end of a tree of `size` leaves."""
    _extend(db, 0, size, hashes)


def cut(db: sqlite3.Connection, size: int) -> None:
    """Cut a tree back to `size` leaves."""
    for level in range(TILE_HEIGHT):
        _cut(db, level, size >> TILE_HEIGHT * level)


def _hashes(db: sqlite3.Connection, tile: Tile) -> Sequence[bytes]:
    row = db.execute("SELECT hashes FROM tile WHERE level = ? AND place = ?", (tile.level, tile.index)).fetchone()
    if row is None:
        raise LookupError("a tile is missing")
    return tile_hashes(row[0][: tile.width * HASH_BYTES], tile.width)


def _extend(db: sqlite3.Connection, level: int, count: int, hashes: Sequence[bytes]) -> None:
    """Put hashes at the end of a level that has `count`; each tile that becomes whole is a hash of the level above."""
    above = []
    standing = count
    rest = list(hashes)
    while rest:
        place, within = divmod(standing, TILE_WIDTH)
        taken, rest = rest[: TILE_WIDTH - within], rest[TILE_WIDTH - within :]
        before = _hashes(db, Tile(level, place, within)) if within else ()
        whole = [*before, *taken]
        db.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?)", (level, place, b"".join(whole)))
        standing += len(taken)
        if len(whole) == TILE_WIDTH:
            above.append(hash_of(whole))
    if above:
        _extend(db, level + 1, count // TILE_WIDTH, above)


def _cut(db: sqlite3.Connection, level: int, count: int) -> None:
    place, within = divmod(count, TILE_WIDTH)
    kept = within * HASH_BYTES
    db.execute("DELETE FROM tile WHERE level = ? AND place >= ?", (level, place + bool(within)))
    db.execute("UPDATE tile SET hashes = substr(hashes, 1, ?) WHERE level = ? AND place = ?", (kept, level, place))


__all__ = ["cut", "extend", "leaf_hash", "path", "root"]
