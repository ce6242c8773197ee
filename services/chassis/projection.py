"""The follower's side of a feed: changes applied in order, and how far.

Owns the position and the rule that only the next number is applied. Refuses to skip: what comes too early is not
kept, since the answer to the next lease request brings what is missing. Specified in `spec/feeds.md`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from . import incarnation
from .db import Database
from .event import Event
from .failpoints import reach
from .inbox import Handler
from .tables import FeedPositionRow

Prepare = Callable[[Session, Sequence[Event]], None]
LoadSnapshot = Callable[[Session, Iterator[dict[str, Any]]], None]


class SnapshotCutShortError(RuntimeError):
    """A snapshot ended before its last line; nothing of it was taken over."""


class UnknownFactError(RuntimeError):
    """The next change is of a type that this follower does not know: it stops there, since it may be a revocation."""


@dataclass(frozen=True)
class Position:
    """How far a feed is applied. `gap`: something later was offered, and something before it is missing.

    `incarnation` is of the database to which it is applied.
    """

    epoch: UUID | None
    applied: int
    gap: bool = False
    changed: bool = False
    incarnation: str | None = None


class Projection:
    """One feed, applied to one database by every process of it. Thread-safe."""

    def __init__(
        self,
        name: str,
        database: Database,
        apply: Mapping[str, Handler],
        load_snapshot: LoadSnapshot,
        model: type[FeedPositionRow],
        prepare: Prepare | None = None,
    ) -> None:
        """`prepare` is called with all that one transaction is about to apply: to take its locks in an order."""
        self.name = name
        self._database = database
        self._apply = apply
        self._load_snapshot = load_snapshot
        self._model = model
        self._prepare = prepare

    def position(self) -> Position:
        """How far the feed is applied now."""
        query = select(self._model.epoch, self._model.applied).where(self._model.feed == self.name)
        with self._database.transaction() as session:
            row = session.execute(query).first()
            epoch, applied = (None, 0) if row is None else (row.epoch, row.applied)
            return Position(epoch, applied, incarnation=incarnation.of(session))

    def offer(self, events: Sequence[Event]) -> Position:
        """Apply those events that are next, in one transaction; where the feed stands then.

        Events of another epoch, and events that were applied before, change nothing. Raises `UnknownFactError`, and
        whatever a handler raises; nothing was applied then.
        """
        with self._database.transaction() as session:
            row = self._locked(session)
            due, gap = _due(row, events)
            handlers = [self._handler(event) for event in due]
            if due and self._prepare is not None:
                self._prepare(session, due)
            for event, apply in zip(due, handlers, strict=True):
                apply(session, event)
                session.flush()
                row.applied = event.sequence or row.applied
            position = Position(row.epoch, row.applied, gap, bool(due))
            reach("projection.before_commit")
        reach("projection.after_commit")
        return position

    def replace(self, lines: Iterator[dict[str, Any]], *, instead_of: UUID | None) -> Position:
        """Take over a whole snapshot, in one transaction, if the feed still stands in the epoch `instead_of`.

        That is the epoch in which it was asked for. A snapshot that comes after another one was taken is dropped: it
        may be older than what is applied by now. What was known to be revoked stays so: that is for `load_snapshot`
        to see to, which knows what revoked means. Raises `SnapshotCutShortError`.
        """
        head = next(lines, {})
        if "epoch" not in head or "seq" not in head:
            raise SnapshotCutShortError(self.name)
        epoch, seq = UUID(head["epoch"]), int(head["seq"])
        with self._database.transaction() as session:
            row = self._locked(session)
            if row.epoch != instead_of or row.epoch == epoch:
                return Position(row.epoch, row.applied)  # another process was faster
            facts = _facts(lines, self.name)
            self._load_snapshot(session, facts)
            deque(facts, maxlen=0)  # the last line must have been read: it says whether all of them came
            session.flush()
            row.epoch, row.applied = epoch, seq
            reach("projection.before_snapshot_commit")
        reach("projection.after_snapshot_commit")
        return Position(epoch, seq, changed=True)

    def _handler(self, event: Event) -> Handler:
        handler = self._apply.get(event.type)
        if handler is None:
            raise UnknownFactError(event.type)
        return handler

    def _locked(self, session: Session) -> FeedPositionRow:
        query = select(self._model).where(self._model.feed == self.name).with_for_update()
        row = session.scalars(query).first()
        if row is not None:
            return row
        insert = postgresql_insert if self._database.is_postgresql else sqlite_insert
        first = insert(self._model).values(feed=self.name, epoch=None, applied=0)
        session.execute(first.on_conflict_do_nothing())
        return session.scalars(query).one()


def _due(row: FeedPositionRow, events: Sequence[Event]) -> tuple[list[Event], bool]:
    """Those events that are next, in order, and whether something later was offered while one before it is missing."""
    due: list[Event] = []
    for event in sorted(events, key=lambda each: each.sequence or 0):
        if event.epoch != row.epoch or (event.sequence or 0) <= row.applied + len(due):
            continue
        if event.sequence != row.applied + len(due) + 1:
            return due, True
        due.append(event)
    return due, False


def _facts(lines: Iterator[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    for count, line in enumerate(lines):
        if "end" in line:
            if line["end"] != count:
                break
            return
        yield line
    raise SnapshotCutShortError(name)
