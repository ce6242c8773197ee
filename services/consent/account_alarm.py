"""Alarms of the account: what must not be, noted so that a person looks.

Owns the note, that a person settled it, the log line and the number in the metrics. Refuses to mend anything: which of
two contradicting lines is true is not for a program to say. A log line and a metric tell the kind alone; whose line it
is stands in the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event

from .account import ContradictionError
from .models import AccountAlarmRow


class Alarm(StrEnum):
    """What must not be."""

    CONTRADICTION = "contradiction"  # messaging tells another line than the one that is recorded
    UNREADABLE = "unreadable"  # messaging tells a line that says nothing: what comes after it cannot be recorded
    LOST = "lost"  # messaging has fewer lines than are recorded here: its database was set back
    CHANGED = "changed"  # what is stored here is not what was recorded


@dataclass(frozen=True)
class Noted:
    """An alarm: its kind, what it is about, since when it rings, and when a person settled it, if anybody has."""

    kind: str
    subject: str
    at: datetime
    settled_at: datetime | None

    @property
    def id(self) -> str:
        """What it is called by where a patient's token must not stand, such as in an argument list."""
        return hashlib.sha256(f"{self.kind} {self.subject}".encode()).hexdigest()[:12]


class Alarms:
    """Notes alarms in one database, each once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def raise_(self, kind: Alarm, subject: str) -> None:
        """Note an alarm about `subject`, such as a patient token and a line's number; anew if it was settled."""
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        row = {"kind": kind.value, "subject": subject, "at": self._clock.now()}
        statement = (
            insert(AccountAlarmRow)
            .values(row)
            .on_conflict_do_update(
                index_elements=["kind", "subject"],
                set_={"at": row["at"], "settled_at": None},
                where=AccountAlarmRow.settled_at.is_not(None),
            )
            .returning(AccountAlarmRow.kind)
        )
        with self._database.transaction() as session:
            new = session.scalar(statement) is not None
        if new:
            logs.logger("account").error("the account needs a person", reason=kind.value)

    def all(self) -> Sequence[Noted]:
        """Every alarm that was ever noted, the oldest first."""
        order = (AccountAlarmRow.at, AccountAlarmRow.kind, AccountAlarmRow.subject)
        with self._database.transaction() as session:
            return [_noted(row) for row in session.scalars(select(AccountAlarmRow).order_by(*order))]

    def settle(self, alarm: str) -> bool:
        """Note that a person knows the cause of an alarm; whether it rang."""
        with self._database.transaction() as session:
            for row in session.scalars(select(AccountAlarmRow).where(AccountAlarmRow.settled_at.is_(None))):
                if _noted(row).id == alarm:
                    row.settled_at = self._clock.now()
                    return True
        return False

    def watched(self, handle: Callable[[Sequence[Event]], None]) -> Callable[[Sequence[Event]], None]:
        """`handle`, with an alarm for a contradiction. The error goes on: the event becomes a dead letter."""

        def watching(events: Sequence[Event]) -> None:
            try:
                handle(events)
            except ContradictionError as error:
                self.raise_(Alarm.CONTRADICTION, f"{error.patient}/{error.n}")
                raise

        return watching


def measure(session: Session, _: datetime) -> Iterator[Metric]:
    """The alarms as a metric."""
    family = GaugeMetricFamily(
        "concord_account_alarms", "What must not be in the account of disclosures", labels=["kind"]
    )
    for kind, count in _counts(session).items():
        family.add_metric([kind], count)
    yield family


def _noted(row: AccountAlarmRow) -> Noted:
    return Noted(row.kind, row.subject, row.at, row.settled_at)


def _counts(session: Session) -> Mapping[str, int]:
    rings = AccountAlarmRow.settled_at.is_(None)
    query = select(AccountAlarmRow.kind, func.count()).where(rings).group_by(AccountAlarmRow.kind)
    found: dict[str, int] = dict(session.execute(query).all())
    return {kind.value: found.get(kind.value, 0) for kind in Alarm}
