"""Whether the stored key log is the one that was signed: every leaf, subtree and checkpoint, looked at anew.

Owns that walk, for the doctor. Refuses to mend anything: what it finds, a person has to judge. That a leaf says what
its entry says, and that the whole log was not written anew, is for clients and witnesses to see, and each looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from concord_formats.merkle import Node, grow, joined, leaf_hash
from concord_formats.notes import Checkpoint, NoteError, unverified_text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.merkle_log import peaks_of

from .key_tree import TREE
from .models import KeyCheckpointRow, KeyLeafRow, KeyLogRow

# Leaves in one transaction: enough to be quick, few enough to keep nobody waiting on SQLite.
PAGE = 1000


def check(database: Database) -> list[str]:
    """What is not as it was signed, at most one finding of a kind in a page of leaves; ends where a leaf is missing."""
    peaks: list[Node] = []
    with database.transaction() as session:
        last = session.scalar(select(func.max(KeyLeafRow.place)))
        log = session.get(KeyLogRow, 1) or KeyLogRow(single=1, size=0, peaks=b"")
    found = ["there are leaves beyond the end of the log"] if last is not None and last >= log.size else []
    for start in range(0, log.size, PAGE):
        with database.transaction() as session:
            page, peaks = _walk(session, peaks, start, min(start + PAGE, log.size))
        found += page
        if sum(1 << peak.level for peak in peaks) != min(start + PAGE, log.size):
            break
    if not found and peaks != peaks_of(log):
        found.append("the log's own summary is another")
    return found


def _walk(session: Session, peaks: Sequence[Node], start: int, end: int) -> tuple[list[str], list[Node]]:
    leaves = [leaf_hash(data) for data in TREE.data(session, start, end)]
    if len(leaves) != end - start:
        return [f"a leaf is missing between {start} and {end}"], list(peaks)
    given, new, standing = _given(session, start, end), [], list(peaks)
    found: list[str] = []
    for size, leaf in enumerate(leaves, start + 1):
        made, standing = grow(standing, [leaf])
        new += [node for node in made if node.level]
        if size in given and given[size] != joined([each.hash for each in standing]):
            found = [f"a checkpoint that was given out is of another log: size {size}"]
    return found + list(_nodes(session, new)), standing


def _given(session: Session, start: int, end: int) -> dict[int, bytes | None]:
    """The roots that were signed of these sizes; None where what is kept is no checkpoint of that size."""
    sizes = KeyCheckpointRow.size
    rows = session.execute(select(sizes, KeyCheckpointRow.note).where(sizes > start, sizes <= end))
    return {size: _root(size, note) for size, note in rows}


def _root(size: int, note: str) -> bytes | None:
    try:
        said = Checkpoint.parse(unverified_text(note))
    except NoteError:
        return None
    return said.root if said.size == size else None


def _nodes(session: Session, expected: Sequence[Node]) -> Iterator[str]:
    stored = TREE.read(session, {(each.level, each.index) for each in expected})
    wrong = [each for each in expected if stored.get((each.level, each.index)) != each.hash]
    if wrong:
        yield f"a subtree is not that of its leaves: level {wrong[0].level}, place {wrong[0].index}"
