"""Merkle trees: the known vectors of RFC 6962's reference implementation, a second implementation, and forgeries."""

from __future__ import annotations

import hashlib

import pytest
from concord_formats import merkle
from concord_formats.merkle import Node, ProofError
from hypothesis import given
from hypothesis import strategies as st

# The eight entries, the roots of the first 1 to 8 of them, and the proofs with which every implementation of
# Certificate Transparency is tested.
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
trees = st.integers(1, 70).map(lambda size: [merkle.leaf_hash(bytes([each])) for each in range(size)])


@pytest.mark.parametrize(("size", "expected"), list(enumerate(ROOTS, start=1)))
def test_roots_are_those_of_the_reference_implementation(size: int, expected: str) -> None:
    assert merkle.root(LEAVES[:size]).hex() == expected


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize(("case", "expected"), list(INCLUSION.items()))
def test_inclusion_paths_are_those_of_the_reference_implementation(case: tuple[int, int], expected: list[str]) -> None:
    index, size = case
    assert [each.hex() for each in merkle.inclusion_path(LEAVES[:size], index)] == expected


@pytest.mark.parametrize(("case", "expected"), list(CONSISTENCY.items()))
def test_consistency_paths_are_those_of_the_reference_implementation(
    case: tuple[int, int], expected: list[str]
) -> None:
    size1, size2 = case
    assert [each.hex() for each in merkle.consistency_path(LEAVES[:size2], size1)] == expected


def _defined(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, section 2.1, writes it down: slow, and evidently right."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return merkle.node_hash(_defined(leaves[:middle]), _defined(leaves[middle:]))


@given(trees)
def test_a_root_is_what_the_definition_says(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == _defined(leaves)


@given(trees, st.data())
def test_every_leaf_is_proven_and_no_other_hash_is(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.inclusion_path(leaves, index), merkle.root(leaves)
    merkle.verify_inclusion(leaves[index], index, len(leaves), path, root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, len(leaves), path, root)
    other = data.draw(
        st.integers(0, len(leaves) - 1).filter(lambda each: each != index) if len(leaves) > 1 else st.just(1)
    )
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaves[index], other, len(leaves), path, root)


@given(trees, st.data())
def test_a_path_that_was_touched_proves_nothing(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.inclusion_path(leaves, index), merkle.root(leaves)
    for wrong in _touched(path, data):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaves[index], index, len(leaves), wrong, root)


@given(trees, st.data())
def test_every_earlier_tree_is_proven_to_be_the_beginning(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(leaves)))
    path = merkle.consistency_path(leaves, size)
    earlier, later = merkle.root(leaves[:size]), merkle.root(leaves)
    merkle.verify_consistency(size, earlier, len(leaves), later, path)
    for wrong in _touched(path, data):
        with pytest.raises(ProofError):
            merkle.verify_consistency(size, earlier, len(leaves), later, wrong)


@given(trees, st.data())
def test_a_log_that_changed_an_earlier_leaf_is_caught(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(leaves)))
    changed = data.draw(st.integers(0, size - 1))
    forged = [*leaves[:changed], merkle.leaf_hash(b"edited"), *leaves[changed + 1 :]]
    with pytest.raises(ProofError):
        merkle.verify_consistency(
            size, merkle.root(leaves[:size]), len(leaves), merkle.root(forged), merkle.consistency_path(forged, size)
        )


@given(st.lists(st.integers(0, 9), max_size=12))
def test_a_tree_grown_in_steps_is_the_tree_built_at_once(steps: list[int]) -> None:
    peaks: list[Node] = []
    kept: dict[tuple[int, int], bytes] = {}
    leaves: list[bytes] = []
    for step in steps:
        more = [merkle.leaf_hash(str(len(leaves) + each).encode()) for each in range(step)]
        new, peaks = merkle.grow(peaks, more)
        kept |= {(each.level, each.index): each.hash for each in new}
        leaves += more
    size = len(leaves)
    assert merkle.joined([kept[place] for place in merkle.places(0, size)]) == merkle.root(leaves)
    for index in range(size):
        ranges = merkle.inclusion_ranges(index, size)
        path = [merkle.joined([kept[place] for place in merkle.places(*each)]) for each in ranges]
        merkle.verify_inclusion(leaves[index], index, size, path, merkle.root(leaves))


def test_a_proof_in_a_log_of_a_million_takes_few_places() -> None:
    needed = [place for each in merkle.inclusion_ranges(123_456, 10**6) for place in merkle.places(*each)]
    assert len(needed) <= 2 * 20


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 2**62 + 1)])
def test_a_leaf_outside_of_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("size1", "size2"), [(3, 2), (-1, 3), (0, 2**62 + 1)])
def test_a_log_that_shrinks_is_refused(size1: int, size2: int) -> None:
    with pytest.raises(ProofError):
        merkle.verify_consistency(size1, LEAVES[0], size2, LEAVES[0], [])


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[0] + b"\x00", 0, 1, [], LEAVES[0] + b"\x00")
    with pytest.raises(ProofError):
        merkle.root([b"short"])


def _touched(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    wrong = [[*path, merkle.leaf_hash(b"one more")], [merkle.leaf_hash(b"one before"), *path]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        bit = data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(path[at], "big") ^ (1 << bit)).to_bytes(32, "big")
        wrong += [path[:-1], path[1:], [*path[:at], flipped, *path[at + 1 :]]]
    return wrong
