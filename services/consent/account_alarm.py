"""Alarms of the account: what must not be, noted so that a person looks.

Owns the note, the log line and the number in the metrics. Refuses to mend anything: which of two contradicting lines
is true is not for a program to say. A log line and a metric tell the kind alone; whose line it is stands in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from services.chassis import logs
from services.chassis.clock import Clock
from services.chassis.db import Database, DatabaseUnavailableError
from services.chassis.event import Event

from .account import ContradictionError
from .models import AccountAlarmRow


class Alarm(StrEnum):
    """What must not be."""

    CONTRADICTION = "contradiction"  # messaging tells another line than the one that is recorded
    UNREADABLE = "unreadable"  # messaging tells a line that says nothing: what comes after it cannot be recorded
    LOST = "lost"  # messaging has fewer lines than are recorded here: its database was set back
    CHANGED = "changed"  # what is stored here is not what was recorded


class Alarms:
    """Notes alarms in one database, each once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def raise_(self, kind: Alarm, subject: str) -> None:
        """Note an alarm about `subject`, such as a patient token and a line's number."""
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        row = {"kind": kind.value, "subject": subject, "at": self._clock.now()}
        statement = insert(AccountAlarmRow).values(row).on_conflict_do_nothing().returning(AccountAlarmRow.kind)
        with self._database.transaction() as session:
            new = session.scalar(statement) is not None
        if new:
            logs.logger("account").error("the account needs a person", reason=kind.value)

    def counts(self) -> Mapping[str, int]:
        """How many alarms of each kind there are."""
        query = select(AccountAlarmRow.kind, func.count()).group_by(AccountAlarmRow.kind)
        with self._database.transaction() as session:
            found = dict(session.execute(query).all())
        return {kind.value: found.get(kind.value, 0) for kind in Alarm}

    def watched(self, handle: Callable[[Sequence[Event]], None]) -> Callable[[Sequence[Event]], None]:
        """`handle`, with an alarm for a contradiction. The error goes on: the event becomes a dead letter."""

        def watching(events: Sequence[Event]) -> None:
            try:
                handle(events)
            except ContradictionError as error:
                self.raise_(Alarm.CONTRADICTION, f"{error.patient}/{error.n}")
                raise

        return watching

    def registry(self) -> CollectorRegistry:
        """The alarms as a metric."""
        registry = CollectorRegistry()
        registry.register(_Collector(self))
        return registry


class _Collector(Collector):
    """Counts the alarms when somebody looks at the metrics: every process of the service shows the same."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def describe(self) -> list[Metric]:
        return [_family()]  # or it would be collected here, before there is a table

    def collect(self) -> Iterator[Metric]:
        family = _family()
        try:
            counts = self._alarms.counts()
        except DatabaseUnavailableError:
            return
        for kind, count in counts.items():
            family.add_metric([kind], count)
        yield family


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "concord_account_alarms", "What must not be in the account of disclosures", labels=["kind"]
    )
