"""Merkle trees as in RFC 6962, section 2.1, with SHA-256: roots, proofs and their verification.

Owns the mathematics, and where each hash of a growing tree stands: a complete subtree of 2^level leaves has the place
(level, index). Refuses storage and signatures: whoever keeps a tree reads and writes places, and `notes.py` signs
roots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

HASH_BYTES = 32
# The root of a tree without leaves: RFC 6962, section 2.1.
EMPTY_ROOT = hashlib.sha256(b"").digest()
# More leaves than any log will see; a larger number in a proof is a mistake or an attack.
MAX_SIZE = 2**62

# The hash of the leaves from `start` up to, and without, `end`.
RangeHash = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof proves nothing: a number is out of bounds, a hash is malformed, or the root is another."""


@dataclass(frozen=True)
class Node:
    """A complete subtree: the `index`-th of 2^`level` leaves, and its hash."""

    level: int
    index: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data): no leaf can be passed off as an inner node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of a tree with these leaves. Raises `ProofError` for a malformed hash."""
    _check_hashes(leaf_hashes)
    return _range_of(leaf_hashes)(0, len(leaf_hashes))


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that the leaf `index` is in the tree, lowest hash first. Raises `ProofError` out of bounds."""
    _check_hashes(leaf_hashes)
    return [_range_of(leaf_hashes)(*each) for each in inclusion_ranges(index, len(leaf_hashes))]


def consistency_path(leaf_hashes: Sequence[bytes], size: int) -> list[bytes]:
    """The proof that the first `size` leaves were the whole tree once. Raises `ProofError` out of bounds."""
    _check_hashes(leaf_hashes)
    return [_range_of(leaf_hashes)(*each) for each in consistency_ranges(size, len(leaf_hashes))]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Whether `leaf` (a leaf's hash) is the leaf `index` of the tree of `size` leaves with this root.

    RFC 9162, section 2.1.3.2. Raises `ProofError`.
    """
    _check_bounds(index, size)
    _check_hashes([leaf, root, *path])
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise ProofError("the path is too long")
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    if last or found != root:
        raise ProofError("the leaf is not in the tree with this root")


def verify_consistency(size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]) -> None:
    """Whether the tree of `size2` leaves begins with that of `size1` leaves.

    RFC 9162, section 2.1.4.2. Every tree begins with the empty one. Raises `ProofError`.
    """
    if not 0 <= size1 <= size2 <= MAX_SIZE:
        raise ProofError("a log only grows")
    _check_hashes([root1, root2, *path])
    if size1 in (0, size2):
        _check_trivial(size1, root1, size2, root2, path)
    else:
        _check_growth(size1, root1, size2, root2, path)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes are the inclusion path. Raises `ProofError` out of bounds."""
    _check_bounds(index, size)
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(size1: int, size2: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes are the consistency path. Raises `ProofError` out of bounds."""
    if not 0 <= size1 <= size2 <= MAX_SIZE:
        raise ProofError("a log only grows")
    if size1 in (0, size2):
        return []
    ranges: list[tuple[int, int]] = []
    start, end = 0, size2
    while end != size1:
        middle = start + _split(end - start)
        if size1 <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return [*([(start, end)] if start else []), *ranges[::-1]]


def places(start: int, end: int) -> list[tuple[int, int]]:
    """The places (level, index) of the complete subtrees that a range of a path or a whole tree is made of."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def joined(hashes: Sequence[bytes]) -> bytes:
    """The hash of a range from those of its `places`, in their order."""
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes[:-1]), hashes[-1])


def grow(peaks: Sequence[Node], leaves: Iterable[bytes]) -> tuple[list[Node], list[Node]]:
    """Append leaf hashes to the tree whose complete subtrees are `peaks`, the largest first.

    Answers every place that is new, and the new peaks.
    """
    standing, new = list(peaks), []
    size = sum(1 << each.level for each in peaks)
    for place, leaf in enumerate(leaves, start=size):
        node = Node(0, place, leaf)
        new.append(node)
        while standing and standing[-1].level == node.level:
            left = standing.pop()
            node = Node(node.level + 1, node.index >> 1, node_hash(left.hash, node.hash))
            new.append(node)
        standing.append(node)
    return new, standing


def _range_of(leaf_hashes: Sequence[bytes]) -> RangeHash:
    def hash_of(start: int, end: int) -> bytes:
        level = list(leaf_hashes[start:end])
        while len(level) > 1:  # level by level; one that is left over goes up as it is (RFC 9162, section 2.1.2)
            pairs = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
            level = pairs + level[2 * len(pairs) :]
        return level[0] if level else EMPTY_ROOT

    return hash_of


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_trivial(size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]) -> None:
    same = size1 != size2 or root1 == root2
    rootless = all(found == EMPTY_ROOT for size, found in ((size1, root1), (size2, root2)) if size == 0)
    if path or not same or not rootless:
        raise ProofError("the roots are not those of one log")


def _check_growth(size1: int, root1: bytes, size2: int, root2: bytes, path: Sequence[bytes]) -> None:
    # A tree of a power of two is a subtree of the later one: then its root begins the path, and is not repeated in it.
    steps = [root1, *path] if size1 & (size1 - 1) == 0 else list(path)
    place, last = size1 - 1, size2 - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not path:
        raise ProofError("the path is too short")
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("the path is too long")
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    if last or before != root1 or after != root2:
        raise ProofError("the later log does not begin with the earlier one")


def _check_bounds(index: int, size: int) -> None:
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError("there is no such leaf in the tree")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError(f"a hash is {HASH_BYTES} bytes")


__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_SIZE",
    "Node",
    "ProofError",
    "consistency_path",
    "consistency_ranges",
    "grow",
    "inclusion_path",
    "inclusion_ranges",
    "joined",
    "leaf_hash",
    "node_hash",
    "places",
    "root",
    "verify_consistency",
    "verify_inclusion",
]
