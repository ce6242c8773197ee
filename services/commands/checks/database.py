"""Checks of a service's database: does it answer, has it the newest form, does anything wait in it.

Owns these questions. Refuses rows: numbers and ages are all that is told.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.chassis import migrate
from services.chassis.config import Settings
from services.chassis.db import Database, DatabaseUnavailableError
from services.chassis.measures import Measure

from . import Finding

# Apart from what a request across a room takes; more makes windows of consents and letters' times wrong by as much.
SKEW_SECONDS = 2.0
# Who follows asks three times in each lease; so many leases of silence are no accident.
SILENT_LEASES = 3
# The age, beyond a lease, at which what waits is a trouble, and what its owner does about it.
LIMITS = {
    "concord_outbox_oldest_seconds": (60, "is the worker up, and does the broker answer?  docker compose ps"),
    "concord_changes_pending_oldest_seconds": (30, "an enforcement point does not report: see the next finding"),
    "concord_held_letters_oldest_seconds": (300, "leases on both feeds are needed: see the findings on peers"),
}


class DatabaseChecks:
    """Checks of one service's database."""

    def __init__(self, settings: Settings, measures: list[Measure]) -> None:
        self._settings = settings
        self._database = Database(settings.database_url, pool_size=1)
        self._measures = measures

    def answers(self) -> Iterator[Finding]:
        """Whether it answers, how fast, with which version, by which clock, and how many more connections it takes."""
        began = time.monotonic()
        try:
            with self._database.transaction() as session:
                took = time.monotonic() - began
                yield Finding("database", True, f"answers in {took * 1000:.0f} ms")
                if self._database.is_postgresql:
                    yield self._clock(session)
                    yield self._connections(session)
        except DatabaseUnavailableError:
            mend = "is PostgreSQL up (docker compose ps postgresql), and is CONCORD_DATABASE_URL right?"
            yield Finding("database", False, "does not answer, or refuses this role", mend)

    def form(self) -> Iterator[Finding]:
        """Whether the migrations are this version's."""
        service = self._settings.service
        here, newest = migrate.version(self._database), migrate.newest(service)
        ok = here == newest
        newer = "; a newer version has migrated it, so this one should be upgraded" if here and here > newest else ""
        detail = f"at {here or 'nothing'}, this version needs {newest}{newer}"
        yield Finding("migrations", ok, detail, f"concord-server migrate {service}")

    def waiting(self) -> Iterator[Finding]:
        """What waits in it, and whether it has waited for too long."""
        with self._database.transaction(deadline=5) as session:
            for measure in self._measures:
                for family in measure(session, datetime.now(UTC)):
                    for sample in family.samples:
                        yield from _judged(sample.name, sample.labels, sample.value, self._settings.lease_seconds)

    def followers(self) -> Iterator[Finding]:
        """Who follows this service's feed, and who has fallen silent."""
        models = importlib.import_module(f"services.{self._settings.service}.models")
        with self._database.transaction(deadline=5) as session:
            feed = session.scalars(select(models.Feed)).first()
            points = session.scalars(select(models.EnforcementPoint)).all()
        if feed is None:
            return
        for point in points:
            silent = (datetime.now(UTC) - point.seen_at).total_seconds()
            detail = f"{point.id}: applied {point.applied} of {feed.seq}, heard of {silent:.0f} s ago"
            forget = f"concord-server forget {self._settings.service} {point.id}"
            mend = f"is messaging up? Only if its database is gone for good: {forget}"
            yield Finding("enforcement point", silent < SILENT_LEASES * self._settings.lease_seconds, detail, mend)

    def _clock(self, session: Session) -> Finding:
        theirs = session.scalar(text("SELECT clock_timestamp()"))
        skew = abs((datetime.now(UTC) - theirs).total_seconds()) if theirs else 0.0
        mend = "set both clocks by NTP: timedatectl set-ntp true"
        return Finding("clock", skew < SKEW_SECONDS, f"{skew:.1f} s from the database's", mend)

    def _connections(self, session: Session) -> Finding:
        used, most = session.execute(_CONNECTIONS).one()
        mend = "raise max_connections, or run fewer processes"
        return Finding("connections", used < most * 0.9, f"{used} of {most} are in use", mend)


_CONNECTIONS = text("SELECT (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int")


def _judged(name: str, labels: dict[str, str], value: float, lease: float) -> Iterator[Finding]:
    if name == "concord_account_alarms":
        mend = "concord-server account-alarms list tells which line; keep the database as it is"
        yield Finding(f"account: {labels['kind']}", not value, f"{value:.0f} alarms", mend)
    elif name in LIMITS:
        most, mend = LIMITS[name]
        what = name.removeprefix("concord_").removesuffix("_oldest_seconds").replace("_", " ")
        yield Finding(
            what, value <= most + lease, f"the first has waited {value:.0f} s" if value else "nothing waits", mend
        )
