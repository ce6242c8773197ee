"""Checking the account: whether what is stored is what was recorded.

Owns the walk through the whole log: every leaf against its line, every subtree against its leaves, every checkpoint
that was given out against the tree. Refuses to mend what it finds, and to trust a column where the recorded event says
the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from concord_formats.account import leaf_data
from concord_formats.merkle import Node, grow, joined, leaf_hash
from concord_formats.notes import Checkpoint
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.event import Event, EventError

from . import account_log
from .account import LetterFact
from .account_key import AccountKey
from .events import ACCOUNTED
from .models import AccountCheckpointRow, AccountLeafRow, AccountLogRow, DisclosureRow

# Leaves in one transaction: enough to be quick, few enough to keep nobody waiting on SQLite.
PAGE = 1000


@dataclass(frozen=True)
class Finding:
    """What is not as it was recorded, and where: a leaf, a subtree, a checkpoint, a patient's numbers."""

    what: str
    where: str


@dataclass
class Report:
    """The size and root of the log as its leaves make it, and everything that is wrong."""

    size: int = 0
    root: bytes = joined([])
    findings: list[Finding] = field(default_factory=list)


def check(database: Database, key: AccountKey) -> Report:
    """Walk through the log as it is when the walk begins."""
    report, peaks = Report(), list[Node]()
    with database.transaction() as session:
        # The log's own row last: what is appended or given out meanwhile is then within it.
        notes = dict(session.execute(select(AccountCheckpointRow.size, AccountCheckpointRow.note)).all())
        report.findings += _numbers(session)
        last = session.scalar(select(func.max(AccountLeafRow.place)))
        log = session.get(AccountLogRow, 1) or AccountLogRow(single=1, size=0, peaks=b"")
    if last is not None and last >= log.size:
        report.findings.append(Finding("there are leaves beyond the end of the log", f"leaf {last}"))
    checkpoints = _Checkpoints({size: key.checkpoint(note) for size, note in notes.items()})
    report.findings += checkpoints.at(0, peaks)
    while report.size < log.size:
        end = checkpoints.next_stop(report.size, min(report.size + PAGE, log.size))
        with database.transaction() as session:
            peaks = _walk(session, report, peaks, end)
        report.findings += checkpoints.at(end, peaks)
    report.root = joined([each.hash for each in peaks])
    if log.peaks != b"".join(each.hash for each in peaks):
        report.findings.append(Finding("the log's own summary is another", f"size {log.size}"))
    report.findings += checkpoints.left()
    return report


@dataclass
class _Checkpoints:
    """The checkpoints that were given out, by the size under which each is kept; None: nobody signed it."""

    waiting: dict[int, Checkpoint | None]

    def next_stop(self, start: int, end: int) -> int:
        """Where to look at the tree next."""
        return min([end, *(size for size in self.waiting if start < size < end)])

    def at(self, size: int, peaks: Sequence[Node]) -> list[Finding]:
        """What is wrong with the checkpoint of this size."""
        if size not in self.waiting:
            return []
        given = self.waiting.pop(size)
        if given is not None and (given.size, given.root) == (size, joined([each.hash for each in peaks])):
            return []
        return [Finding("a checkpoint that was given out is of another log", f"size {size}")]

    def left(self) -> list[Finding]:
        """Checkpoints of more leaves than there are."""
        return [
            Finding("the log is shorter than a checkpoint that was given out", f"size {size}") for size in self.waiting
        ]


def _walk(session: Session, report: Report, peaks: list[Node], end: int) -> list[Node]:
    """Check the leaves up to, and without, `end`, and the subtrees that they complete; the new peaks."""
    leaves = []
    for place, (leaf, row) in zip(range(report.size, end), _stored(session, report.size, end), strict=True):
        if leaf is None:
            report.findings.append(Finding("a leaf is missing", f"leaf {place}"))
        elif wrong := _wrong_with(leaf, row):
            report.findings.append(Finding(wrong, f"leaf {place}"))
        leaves.append(leaf_hash(leaf.data if leaf else b""))
    new, peaks = grow(peaks, leaves)
    report.findings += _nodes(session, [each for each in new if each.level])
    report.size = end
    return peaks


def _stored(session: Session, start: int, end: int) -> Iterator[tuple[AccountLeafRow | None, DisclosureRow | None]]:
    query = (
        select(AccountLeafRow, DisclosureRow)
        .outerjoin(DisclosureRow, DisclosureRow.leaf == AccountLeafRow.place)
        .where(AccountLeafRow.place >= start, AccountLeafRow.place < end)
    )
    found = {leaf.place: (leaf, row) for leaf, row in session.execute(query)}
    return (found.get(place, (None, None)) for place in range(start, end))


def _wrong_with(leaf: AccountLeafRow, row: DisclosureRow | None) -> str | None:
    if leaf.erased_at is not None:
        return "an erased line is still there" if row is not None else None
    if row is None or row.salt is None or row.body is None:
        return "a line is missing"
    if not _is_recorded(leaf.data, row.salt, row.body):
        return "a line is not the one that was recorded"
    return (
        None if _says(row) == _columns(row) and (leaf.patient, leaf.n) == (row.patient, row.n) else "a line was edited"
    )


def _is_recorded(leaf: bytes, salt: bytes, body: bytes) -> bool:
    try:
        return leaf == leaf_data(salt, body)
    except (ValueError, TypeError):  # a salt of another length; on SQLite, a column of another type
        return False


def _says(row: DisclosureRow) -> dict[str, object] | None:
    """What the recorded event says, by the names of the columns."""
    try:
        event = Event.decode(row.body or b"")
        fact = LetterFact.model_validate(event.data)
    except (EventError, ValidationError):
        return None
    return {"event_id": event.id, "event": ACCOUNTED.get(event.type), **fact.model_dump()}


def _columns(row: DisclosureRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("event_id", "event", *LetterFact.model_fields)}


def _nodes(session: Session, expected: Sequence[Node]) -> list[Finding]:
    stored = account_log.read(session, {(each.level, each.index) for each in expected})
    wrong = [each for each in expected if stored.get((each.level, each.index)) != each.hash]
    return [Finding("a subtree is not that of its leaves", f"level {each.level}, place {each.index}") for each in wrong]


def _numbers(session: Session) -> list[Finding]:
    """Patients whose numbers are not 1 to their last."""
    query = select(AccountLeafRow.patient).group_by(AccountLeafRow.patient)
    gaps = session.scalars(query.having(func.count() != func.max(AccountLeafRow.n)))
    return [Finding("a number is missing", f"patient {patient}") for patient in gaps]
