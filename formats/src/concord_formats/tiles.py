"""Tiles: how a log gives out its tree and its entries, as files that never change.

Owns the paths, the widths and the bytes of C2SP's tlog-tiles, and how a hash of the tree is found in a tile. Refuses
fetching, storage and trust: a tile proves nothing until a root computed from it is one that was signed. See
https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .merkle import HASH_BYTES, MAX_SIZE, joined, places, root

# C2SP tlog-tiles: a tile is a subtree of height 8, given out as its 256 lowest hashes.
TILE_HEIGHT = 8
TILE_WIDTH = 256
# C2SP tlog-tiles, "Log entries": the length before an entry is a uint16.
MAX_ENTRY = 2**16 - 1
# More than all clinicians on earth will ever enrol; the tiles of a larger tree are not worth listing, but an attack.
MAX_LISTED = 2**27

_LENGTH_BYTES = 2
_MAX_LEVEL = 63
_LEVEL = re.compile(r"0|[1-9][0-9]?", re.ASCII)
_PLACE = re.compile(r"((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class TileError(ValueError):
    """A path names no tile, or a tile or bundle is not what its path says."""


@dataclass(frozen=True)
class Tile:
    """The `index`-th tile of a level, `width` hashes wide (1 to 256).

    Its hash i is that of the complete subtree at the place (8 · level, 256 · index + i) of the tree.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check(self.index, self.width)
        if not 0 <= self.level <= _MAX_LEVEL:
            raise TileError(f"a tile's level is 0 to {_MAX_LEVEL}")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read `<L>/<N>[.p/<W>]`. Raises `TileError` for any other text than the one that `path` writes."""
        level, _, place = path.partition("/")
        if not _LEVEL.fullmatch(level):
            raise TileError("not the path of a tile")
        return cls(int(level), *parse_entries_path(place))

    @property
    def path(self) -> str:
        """`<L>/<N>`, and `.p/<W>` when it is partial."""
        return f"{self.level}/{entries_path(self.index, self.width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """`<N>[.p/<W>]`: groups of three digits, all but the last after an x. Raises `TileError` out of bounds."""
    _check(index, width)
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def parse_entries_path(path: str) -> tuple[int, int]:
    """Read `<N>[.p/<W>]` as index and width. Raises `TileError` for any other text than `entries_path` writes."""
    found = _PLACE.fullmatch(path)
    if not found:
        raise TileError("not the path of a tile")
    index, width = int(found[1].replace("/", "").replace("x", "")), int(found[2] or TILE_WIDTH)
    # A width of 256 written out, or groups of zeros in front, would be a second text for the same tile.
    if width > TILE_WIDTH or entries_path(index, width) != path:
        raise TileError("not the path of a tile")
    return index, width


def tiles_of(size: int) -> list[Tile]:
    """Every tile of a tree with `size` leaves, level by level; the last of a level may be partial.

    Raises `TileError` for a size beyond `MAX_LISTED`: a list of that length is no list.
    """
    if not 0 <= size <= MAX_LISTED:
        raise TileError("the tree is too large to list its tiles")
    found: list[Tile] = []
    level, count = 0, size
    while count:
        full, partial = divmod(count, TILE_WIDTH)
        found += [Tile(level, index) for index in range(full)]
        found += [Tile(level, full, partial)] if partial else []
        level, count = level + 1, full
    return found


def tile_holding(level: int, index: int, size: int) -> tuple[Tile, int]:
    """The tile, as wide as it is in a tree of `size` leaves, from which the complete subtree (level, index) is made.

    With it the first of its hashes that make the subtree; they are 2^(level mod 8). Raises `TileError` when the tree
    has no such subtree.
    """
    if not 0 <= level <= MAX_SIZE.bit_length() or index < 0 or (index + 1) << level > size or size > MAX_SIZE:
        raise TileError("there is no such subtree in the tree")
    tile_level, height = divmod(level, TILE_HEIGHT)
    number, start = divmod(index << height, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - number * TILE_WIDTH)
    return Tile(tile_level, number, width), start


def range_hash(start: int, end: int, size: int, hashes_of: Callable[[Tile], Sequence[bytes]]) -> bytes:
    """The hash of the leaves from `start` up to, and without, `end`, out of the tiles of a tree of `size` leaves.

    `hashes_of` fetches a tile, and `start` and `end` are a range of `merkle.inclusion_ranges` or `consistency_ranges`,
    or the whole tree (0, size). Raises `TileError`.
    """
    return joined([_subtree_hash(level, index, size, hashes_of) for level, index in places(start, end)])


def tile_hashes(raw: bytes, width: int) -> list[bytes]:
    """The hashes of a tile that has to be `width` wide. Raises `TileError` for any other length."""
    if not 1 <= width <= TILE_WIDTH or len(raw) != width * HASH_BYTES:
        raise TileError(f"a tile of width {width} is {width * HASH_BYTES} bytes")
    return [raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each after its length in two bytes, big-endian. Raises `TileError` for too long."""
    bundle = bytearray()
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise TileError(f"an entry is at most {MAX_ENTRY} bytes")
        bundle += len(entry).to_bytes(_LENGTH_BYTES, "big") + entry
    return bytes(bundle)


def decode_bundle(raw: bytes, width: int) -> list[bytes]:
    """The entries of a bundle that has to hold exactly `width`. Raises `TileError` when one is cut or one too many."""
    if not 1 <= width <= TILE_WIDTH:
        raise TileError(f"a bundle is 1 to {TILE_WIDTH} entries wide")
    entries: list[bytes] = []
    place = 0
    while place < len(raw) and len(entries) < width:
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(raw[place:start], "big")
        if start > len(raw) or place > len(raw):
            raise TileError("an entry of the bundle is cut")
        entries.append(raw[start:place])
    if place != len(raw) or len(entries) != width:
        raise TileError(f"the bundle does not hold {width} entries")
    return entries


def _subtree_hash(level: int, index: int, size: int, hashes_of: Callable[[Tile], Sequence[bytes]]) -> bytes:
    tile, start = tile_holding(level, index, size)
    hashes = hashes_of(tile)
    if len(hashes) != tile.width or any(len(each) != HASH_BYTES for each in hashes):
        raise TileError("a tile is of another width than was asked for")
    return root(hashes[start : start + (1 << level % TILE_HEIGHT)])


def _check(index: int, width: int) -> None:
    if not 0 <= index <= MAX_SIZE or not 1 <= width <= TILE_WIDTH:
        raise TileError(f"a tile is 1 to {TILE_WIDTH} wide, and its index no larger than a tree's size")


__all__ = [
    "MAX_ENTRY",
    "MAX_LISTED",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "Tile",
    "TileError",
    "decode_bundle",
    "encode_bundle",
    "entries_path",
    "parse_entries_path",
    "range_hash",
    "tile_hashes",
    "tile_holding",
    "tiles_of",
]
