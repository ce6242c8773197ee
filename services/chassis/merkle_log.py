"""An append-only Merkle tree (RFC 6962) in a service's own database.

Owns the leaves, the hashes of complete subtrees, and the reading of roots and proofs, each in a number of rows that
grows with the logarithm of the log. Refuses to change or take away a leaf, and to know what a leaf is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from concord_formats.merkle import (
    HASH_BYTES,
    Node,
    consistency_ranges,
    grow,
    inclusion_ranges,
    joined,
    leaf_hash,
    places,
)
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .tables import LogLeafRow, LogNodeRow, LogRow

Place = tuple[int, int]
Range = tuple[int, int]
Log = TypeVar("Log", bound=LogRow)


class MerkleLog(Generic[Log]):
    """The log in three tables of a service. It has no state of its own."""

    def __init__(self, log: type[Log], leaf: type[LogLeafRow], node: type[LogNodeRow]) -> None:
        self._log = log
        self._leaf = leaf
        self._node = node

    def lock(self, session: Session) -> Log:
        """The log, locked until the transaction ends: one writer appends at a time.

        Take it after every other lock of the transaction, a feed's among them: two writers that took them in
        different orders would wait for each other.
        """
        query = select(self._log).where(self._log.single == 1).with_for_update()
        query = query.execution_options(populate_existing=True)
        found = session.scalars(query).one_or_none()
        if found is None:
            add = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
            session.execute(add(self._log).values(single=1, size=0, peaks=b"").on_conflict_do_nothing())
            found = session.scalars(query).one()
        return found

    def append(self, session: Session, log: Log, leaf: LogLeafRow) -> None:
        """Append a leaf, whose place is the log's size, to the locked log.

        It is written with the transaction's other rows, many of a kind at once. Raises ValueError for another place.
        """
        if leaf.place != log.size:
            raise ValueError("a log grows at its end")
        new, peaks = grow(peaks_of(log), [leaf_hash(leaf.data)])
        session.add(leaf)
        session.add_all(self._row_of(each) for each in new if each.level)
        log.size, log.peaks = log.size + 1, b"".join(each.hash for each in peaks)

    def size(self, session: Session) -> int:
        """How many leaves there are."""
        return session.scalar(select(self._log.size)) or 0

    def root(self, session: Session, size: int) -> bytes:
        """The root when the log had `size` leaves, of those that it has."""
        return self._hashes(session, [(0, size)])[0]

    def inclusion(self, session: Session, leaves: Sequence[int], size: int) -> dict[int, list[bytes]]:
        """The proof of each of `leaves` in the log of `size` leaves. Raises `ProofError` for one beyond it."""
        ranges = {leaf: inclusion_ranges(leaf, size) for leaf in leaves}
        hashes = dict(zip(_all(ranges), self._hashes(session, _all(ranges)), strict=True))
        return {leaf: [hashes[each] for each in own] for leaf, own in ranges.items()}

    def consistency(self, session: Session, size1: int, size2: int) -> list[bytes]:
        """The proof that the log of `size2` leaves begins with that of `size1`. Raises `ProofError` if it shrank."""
        return self._hashes(session, consistency_ranges(size1, size2))

    def row(self, session: Session, level: int, start: int, end: int) -> list[bytes]:
        """The hashes of neighbours of one level, those from `start` up to, and without, `end` that are stored."""
        if level == 0:
            return [leaf_hash(data) for data in self.data(session, start, end)]
        node = self._node
        within = select(node.hash).where(node.level == level, node.place >= start, node.place < end)
        return list(session.scalars(within.order_by(node.place)))

    def data(self, session: Session, start: int, end: int) -> list[bytes]:
        """What is hashed of the leaves from `start` up to, and without, `end`."""
        leaf = self._leaf
        within = select(leaf.data).where(leaf.place >= start, leaf.place < end)
        return list(session.scalars(within.order_by(leaf.place)))

    def read(self, session: Session, needed: Iterable[Place]) -> dict[Place, bytes]:
        """The hashes that are stored of these places, in one query a level."""
        by_level: dict[int, list[int]] = defaultdict(list)
        for level, place in needed:
            by_level[level].append(place)
        found: dict[Place, bytes] = {}
        for level, wanted in by_level.items():
            found |= self._leaves(session, wanted) if level == 0 else self._nodes(session, level, wanted)
        return found

    def _row_of(self, node: Node) -> LogNodeRow:
        row = self._node()
        row.level, row.place, row.hash = node.level, node.index, node.hash
        return row

    def _hashes(self, session: Session, ranges: Sequence[Range]) -> list[bytes]:
        found = self.read(session, {place for each in ranges for place in places(*each)})
        return [joined([found[place] for place in places(*each)]) for each in ranges]

    def _leaves(self, session: Session, wanted: Sequence[int]) -> dict[Place, bytes]:
        query = select(self._leaf.place, self._leaf.data).where(self._leaf.place.in_(wanted))
        return {(0, place): leaf_hash(data) for place, data in session.execute(query)}

    def _nodes(self, session: Session, level: int, wanted: Sequence[int]) -> dict[Place, bytes]:
        query = select(self._node.place, self._node.hash).where(self._node.level == level)
        rows = session.execute(query.where(self._node.place.in_(wanted)))
        return {(level, place): hash_ for place, hash_ in rows}


def peaks_of(log: LogRow) -> list[Node]:
    """The largest complete subtrees of a log."""
    hashes = [log.peaks[start : start + HASH_BYTES] for start in range(0, len(log.peaks), HASH_BYTES)]
    return [Node(*place, hash_) for place, hash_ in zip(places(0, log.size), hashes, strict=True)]


def root_of(log: LogRow) -> bytes:
    """The root of a log as it is now."""
    return joined([each.hash for each in peaks_of(log)])


def _all(ranges: Mapping[int, Sequence[Range]]) -> list[Range]:
    return sorted({each for own in ranges.values() for each in own})
