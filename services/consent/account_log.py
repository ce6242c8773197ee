"""The log behind the account: an append-only Merkle tree (RFC 6962) in this database.

Owns the leaves, the hashes of complete subtrees, and the reading of roots and proofs, each in a number of rows that
grows with the logarithm of the log. Refuses to change or take away a leaf, and to know what a leaf is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

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

from .models import AccountLeafRow, AccountLogRow, AccountNodeRow

Place = tuple[int, int]
Range = tuple[int, int]


def lock(session: Session) -> AccountLogRow:
    """The log, locked until the transaction ends: one writer appends at a time."""
    query = select(AccountLogRow).where(AccountLogRow.single == 1).with_for_update()
    query = query.execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        add = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
        session.execute(add(AccountLogRow).values(single=1, size=0, peaks=b"").on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found


def append(session: Session, log: AccountLogRow, patient: str, n: int, data: bytes) -> AccountLeafRow:
    """Append a leaf to the locked log. It is written with the transaction's other rows, many of a kind at once."""
    new, peaks = grow(peaks_of(log), [leaf_hash(data)])
    leaf = AccountLeafRow(place=log.size, patient=patient, n=n, data=data)
    session.add(leaf)
    session.add_all(AccountNodeRow(level=each.level, place=each.index, hash=each.hash) for each in new if each.level)
    log.size, log.peaks = log.size + 1, b"".join(each.hash for each in peaks)
    return leaf


def peaks_of(log: AccountLogRow) -> list[Node]:
    """The largest complete subtrees of the log."""
    hashes = [log.peaks[start : start + HASH_BYTES] for start in range(0, len(log.peaks), HASH_BYTES)]
    return [Node(*place, hash_) for place, hash_ in zip(places(0, log.size), hashes, strict=True)]


def size(session: Session) -> int:
    """How many leaves there are."""
    return session.scalar(select(AccountLogRow.size)) or 0


def root(session: Session, size: int) -> bytes:
    """The root when the log had `size` leaves, of those that it has."""
    return _hashes(session, [(0, size)])[0]


def inclusion(session: Session, leaves: Sequence[int], size: int) -> dict[int, list[bytes]]:
    """The proof of each of `leaves` in the log of `size` leaves. Raises `ProofError` for one beyond it."""
    ranges = {leaf: inclusion_ranges(leaf, size) for leaf in leaves}
    hashes = dict(zip(_all(ranges), _hashes(session, _all(ranges)), strict=True))
    return {leaf: [hashes[each] for each in own] for leaf, own in ranges.items()}


def consistency(session: Session, size1: int, size2: int) -> list[bytes]:
    """The proof that the log of `size2` leaves begins with that of `size1`. Raises `ProofError` if it shrank."""
    return _hashes(session, consistency_ranges(size1, size2))


def _all(ranges: Mapping[int, Sequence[Range]]) -> list[Range]:
    return sorted({each for own in ranges.values() for each in own})


def _hashes(session: Session, ranges: Sequence[Range]) -> list[bytes]:
    found = read(session, {place for each in ranges for place in places(*each)})
    return [joined([found[place] for place in places(*each)]) for each in ranges]


def read(session: Session, needed: Iterable[Place]) -> dict[Place, bytes]:
    """The hashes that are stored of these places, in one query a level."""
    by_level: dict[int, list[int]] = defaultdict(list)
    for level, place in needed:
        by_level[level].append(place)
    found: dict[Place, bytes] = {}
    for level, wanted in by_level.items():
        found |= _leaves(session, wanted) if level == 0 else _nodes(session, level, wanted)
    return found


def _leaves(session: Session, wanted: Sequence[int]) -> dict[Place, bytes]:
    query = select(AccountLeafRow.place, AccountLeafRow.data).where(AccountLeafRow.place.in_(wanted))
    return {(0, place): leaf_hash(data) for place, data in session.execute(query)}


def _nodes(session: Session, level: int, wanted: Sequence[int]) -> dict[Place, bytes]:
    query = select(AccountNodeRow.place, AccountNodeRow.hash).where(AccountNodeRow.level == level)
    rows = session.execute(query.where(AccountNodeRow.place.in_(wanted)))
    return {(level, place): hash_ for place, hash_ in rows}
