"""Retention: the server's copy of a letter is deleted when its time is over.

Owns which letters are due, and their deletion in small transactions. Refuses held letters, which have a time of their
own, and everything but the sealed bytes: what became of a letter is the sender's to see, and the account is the law's.

The age of a letter is counted from what was written when it came, was released and was opened. A clock that is set
forward makes letters look old, so one round deletes a bounded number of them: an operator has hours to notice, and not
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from services.chassis import failpoints
from services.chassis.clock import Clock
from services.chassis.config import Settings
from services.chassis.db import Database

from . import release
from .models import DeliveryRow, HeldRow, LetterRow

# A transaction of so many letters holds its locks for a moment only; chunks of a large letter are up to 272 rows.
BATCH = 20
# In one round, which comes every ten minutes: 72,000 letters a day, more than a deployment of this size receives.
AT_MOST = 500


@dataclass(frozen=True)
class Policy:
    """After how many days the bytes of letters go; 0 is never."""

    opened_days: int
    unopened_days: int

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The operator's."""
        return cls(settings.opened_letters_kept_days, settings.unopened_letters_kept_days)


class Retention:
    """Deletes what is due, by one policy. Several workers may: each passes over what another is at."""

    def __init__(self, database: Database, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._clock = clock
        self.policy = policy

    def apply(self, at_most: int = AT_MOST) -> int:
        """Delete the bytes of letters that are due; how many letters. Raises `DatabaseUnavailableError`."""
        deleted, since = 0, None
        while deleted < at_most and (gone := self._batch(min(BATCH, at_most - deleted), since)):
            # The next batch begins where this one ended: letters that nobody ever opens are many, and are kept.
            deleted, since = deleted + len(gone), gone[-1]
        return deleted

    def due(self) -> int:
        """How many letters the policy would delete now."""
        with self._database.transaction() as session:
            found = self._due(self._clock.now())
            if found is None:
                return 0
            return session.scalar(select(func.count()).select_from(found.subquery())) or 0

    def _batch(self, size: int, since: datetime | None) -> list[datetime]:
        """Delete some of those that were accepted from `since` on; when each was, in that order."""
        now = self._clock.now()
        due = self._due(now)
        if due is None:
            return []
        if since is not None:
            due = due.where(LetterRow.accepted_at >= since)
        with self._database.transaction() as session:
            locked = due.order_by(LetterRow.accepted_at).limit(size).with_for_update(skip_locked=True, of=LetterRow)
            rows = session.execute(locked).all()
            for letter, upload, _ in rows:
                release.delete_bytes(session, letter, upload, now)
            failpoints.reach("retention.before_commit")
        return [accepted_at for _, _, accepted_at in rows]

    def _due(self, now: datetime) -> Select[UUID, UUID, datetime] | None:
        rules = list(_rules(self.policy, now))
        if not rules:
            return None
        held = exists().where(HeldRow.letter == LetterRow.id)
        kept = and_(LetterRow.deleted_at.is_(None), ~held, or_(*rules))
        return select(LetterRow.id, LetterRow.upload, LetterRow.accepted_at).where(kept)


def _rules(policy: Policy, now: datetime) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if policy.opened_days:
        since = now - timedelta(days=policy.opened_days)
        # When it was opened is the recipient's word, by a clock that may be years wrong; it was not before it was
        # fetched, by ours, and not in the future.
        said = and_(DeliveryRow.opened_at > since, DeliveryRow.opened_at <= now)
        later = or_(DeliveryRow.opened_at.is_(None), DeliveryRow.fetched_at > since, said)
        unopened = exists().where(DeliveryRow.letter == LetterRow.id, later)
        rules.append(and_(LetterRow.accepted_at <= since, ~unopened))
    if policy.unopened_days:
        since = now - timedelta(days=policy.unopened_days)
        # It may have been held for days: nobody could open it before it was released.
        lately = exists().where(DeliveryRow.letter == LetterRow.id, DeliveryRow.released_at > since)
        rules.append(and_(LetterRow.accepted_at <= since, ~lately))
    return rules
