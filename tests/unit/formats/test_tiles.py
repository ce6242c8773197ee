"""Tiles: the examples of the specification, what no path may look like, and trees rebuilt from tiles alone."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import pytest
from concord_formats import merkle
from concord_formats.tiles import (
    MAX_ENTRY,
    MAX_LISTED,
    TILE_WIDTH,
    Tile,
    TileError,
    decode_bundle,
    encode_bundle,
    entries_path,
    parse_entries_path,
    range_hash,
    tile_hashes,
    tile_holding,
    tiles_of,
)
from hypothesis import given
from hypothesis import strategies as st

LEAVES = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(1000)]
FULL = {(1, index): merkle.root(LEAVES[256 * index : 256 * (index + 1)]) for index in range(3)}
indexes, widths = st.integers(0, merkle.MAX_SIZE), st.integers(1, TILE_WIDTH)
NO_PATHS = [
    "",
    "1",
    "01",
    "0001",
    "x001",
    "001/234",
    "X001/234",
    "x000/001",
    "x001/x234",
    "x001/23",
    "x001/234/",
    "x001234",
    "/001",
    "001.p/0",
    "001.p/01",
    "001.p/256",
    "001.p/1000",
    "001.p/-1",
    "001.p/",
    "001.p",
    "001/p/3",
    "001.p/3\n",
    "٠٠١",
    "001.p/٣",
    "-01",
    "../001",
    "x001/x002/x003/x004/x005/x006/x007/x008/009",
]


class Served:
    """The tiles of a tree with the first `size` leaves, cut as the specification defines them."""

    def __init__(self, size: int) -> None:
        self.size, self.asked = size, set[str]()

    def __call__(self, tile: Tile) -> Sequence[bytes]:
        self.asked.add(tile.path)
        first = tile.index * TILE_WIDTH
        if tile.level == 0:
            return LEAVES[first : min(first + tile.width, self.size)]
        return [FULL[tile.level, place] for place in range(first, min(first + tile.width, self.size // 256))]


class TestPaths:
    """Names."""

    def test_the_examples_of_the_specification(self) -> None:
        assert entries_path(1234067) == "x001/x234/067"
        assert Tile(0, 1234067).path == "0/x001/x234/067"
        assert Tile(0, 1234, 17).path == "0/x001/234.p/17"

    @given(st.integers(0, 63), indexes, widths)
    def test_a_path_names_one_tile(self, level: int, index: int, width: int) -> None:
        assert Tile.parse(Tile(level, index, width).path) == Tile(level, index, width)
        assert parse_entries_path(entries_path(index, width)) == (index, width)

    @pytest.mark.parametrize("path", NO_PATHS)
    def test_no_other_text_names_a_tile(self, path: str) -> None:
        with pytest.raises(TileError):
            parse_entries_path(path)
        with pytest.raises(TileError):
            Tile.parse(f"0/{path}")

    @pytest.mark.parametrize("level", ["", "00", "01", "64", "100", "-1", "+1", "1 ", "٣", "entries", "x1"])
    def test_no_other_text_is_a_level(self, level: str) -> None:
        with pytest.raises(TileError):
            Tile.parse(f"{level}/001")

    @given(st.text(st.sampled_from("0123456789x/.p"), max_size=24))
    def test_whatever_is_read_is_written_back_the_same(self, text: str) -> None:
        with contextlib.suppress(TileError):
            assert Tile.parse(text).path == text

    @pytest.mark.parametrize(
        ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)]
    )
    def test_there_are_no_tiles_out_of_bounds(self, level: int, index: int, width: int) -> None:
        with pytest.raises(TileError):
            Tile(level, index, width)


class TestTrees:
    """Which tiles there are, and what is in them."""

    def test_seventy_thousand_leaves_have_the_tiles_of_the_specification(self) -> None:
        listed = [tile.path for tile in tiles_of(70_000)]
        assert listed[:2] == ["0/000", "0/001"]
        assert listed[272:] == ["0/272", "0/273.p/112", "1/000", "1/001.p/17", "2/000.p/1"]

    def test_a_full_tile_stands_alone_in_the_level_above(self) -> None:
        assert [tile.path for tile in tiles_of(256)] == ["0/000", "1/000.p/1"]
        assert [tile.path for tile in tiles_of(255)] == ["0/000.p/255"]
        assert tiles_of(0) == []

    @given(st.integers(0, MAX_LISTED >> 9))
    def test_widths_are_those_of_the_specification(self, size: int) -> None:
        for tile in tiles_of(size):
            partial = (size >> 8 * tile.level) % TILE_WIDTH
            last = tile.index == (size >> 8 * tile.level) // TILE_WIDTH
            assert tile.width == (partial if last else TILE_WIDTH)

    @pytest.mark.parametrize("size", [-1, MAX_LISTED + 1, merkle.MAX_SIZE])
    def test_a_size_that_nobody_has_is_not_listed(self, size: int) -> None:
        with pytest.raises(TileError):
            tiles_of(size)

    @given(st.integers(0, len(LEAVES)), st.data())
    def test_roots_and_proofs_come_out_of_tiles_alone(self, size: int, data: st.DataObject) -> None:
        served = Served(size)
        assert range_hash(0, size, size, served) == merkle.root(LEAVES[:size])
        if size:
            index = data.draw(st.integers(0, size - 1))
            path = [range_hash(*each, size, served) for each in merkle.inclusion_ranges(index, size)]
            assert path == merkle.inclusion_path(LEAVES[:size], index)
            earlier = data.draw(st.integers(0, size))
            path = [range_hash(*each, size, served) for each in merkle.consistency_ranges(earlier, size)]
            assert path == merkle.consistency_path(LEAVES[:size], earlier)
        assert served.asked <= {tile.path for tile in tiles_of(size)}

    @pytest.mark.parametrize(
        ("level", "index", "size"), [(0, 5, 5), (3, 0, 7), (0, -1, 5), (-1, 0, 5), (70, 0, 5), (0, 0, 0), (0, 0, 2**63)]
    )
    def test_a_subtree_that_is_not_there_is_in_no_tile(self, level: int, index: int, size: int) -> None:
        with pytest.raises(TileError):
            tile_holding(level, index, size)

    def test_a_tile_that_came_narrower_or_malformed_is_refused(self) -> None:
        with pytest.raises(TileError, match="width"):
            range_hash(0, 300, 300, lambda tile: [b"h" * 32] * (tile.width - 1))
        with pytest.raises(TileError, match="width"):
            range_hash(0, 300, 300, lambda tile: [b"h" * 31] * tile.width)


class TestBytes:
    """What is served."""

    @given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=TILE_WIDTH))
    def test_hashes_come_out_as_they_went_in(self, hashes: list[bytes]) -> None:
        assert tile_hashes(b"".join(hashes), len(hashes)) == hashes

    @pytest.mark.parametrize(
        ("length", "width"), [(31, 1), (33, 1), (64, 1), (0, 1), (0, 0), (257 * 32, 257), (32, -1)]
    )
    def test_a_tile_of_another_length_is_refused(self, length: int, width: int) -> None:
        with pytest.raises(TileError):
            tile_hashes(bytes(length), width)

    @given(st.lists(st.binary(max_size=300), min_size=1, max_size=TILE_WIDTH))
    def test_entries_come_out_as_they_went_in(self, entries: list[bytes]) -> None:
        assert decode_bundle(encode_bundle(entries), len(entries)) == entries

    def test_an_entry_may_be_empty_or_as_long_as_two_bytes_can_say(self) -> None:
        assert encode_bundle([b"ab", b""]) == b"\0\2ab\0\0"
        longest = b"x" * MAX_ENTRY
        assert decode_bundle(encode_bundle([longest, b""]), 2) == [longest, b""]
        with pytest.raises(TileError):
            encode_bundle([longest + b"x"])

    @given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.data())
    def test_a_cut_bundle_is_refused(self, entries: list[bytes], data: st.DataObject) -> None:
        raw = encode_bundle(entries)
        cut = data.draw(st.integers(0, len(raw) - 1))
        with pytest.raises(TileError):
            decode_bundle(raw[:cut], len(entries))

    @pytest.mark.parametrize("width", [0, 1, 3, 257, -1])
    def test_a_bundle_of_another_width_is_refused(self, width: int) -> None:
        with pytest.raises(TileError):
            decode_bundle(encode_bundle([b"one", b"two"]), width)

    def test_bytes_behind_the_last_entry_are_refused(self) -> None:
        for more in (b"\0", b"\0\0", b"\0\1x"):
            with pytest.raises(TileError):
                decode_bundle(encode_bundle([b"one"]) + more, 1)

    @given(st.binary(max_size=100), st.integers(1, 8))
    def test_any_bytes_are_a_bundle_or_refused(self, raw: bytes, width: int) -> None:
        with contextlib.suppress(TileError):
            assert encode_bundle(decode_bundle(raw, width)) == raw
