"""Reconciling: what the bus lost, or brought too early, is asked for again.

Owns the comparison of each patient's count with messaging's, and the fetching of what is missing. Refuses to guess: a
line is recorded by `account.record` alone, in its order, and what messaging cannot be asked about is left for later.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select

from services.chassis import logs
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.peer_http import PeerUnavailableError

from . import account
from .account import ContradictionError
from .account_alarm import Alarm, Alarms
from .account_peer import Disclosures
from .models import AccountGapRow, AccountLeafRow

# So many patients in one go: a whole round through a million of them takes an hour or two of short steps.
BATCH = 1000
GAPS = 100


class Reconciler:
    """Brings the account of one database to where messaging's is."""

    def __init__(self, database: Database, messaging: Disclosures, alarms: Alarms) -> None:
        self._database = database
        self._messaging = messaging
        self._alarms = alarms
        self._after = ""

    def close_gaps(self) -> None:
        """Fetch what was missing in front of a line that came too early."""
        with self._database.transaction() as session:
            patients = session.scalars(select(AccountGapRow.patient).limit(GAPS)).all()
        for patient in patients:
            if not self._catch_up(patient):
                return
            with self._database.transaction() as session:
                session.execute(delete(AccountGapRow).where(AccountGapRow.patient == patient))

    def compare(self) -> None:
        """Compare the counts of the next patients, and fetch what is missing; after the last one, begin again."""
        own = self._own(self._after)  # before theirs, which is then never behind ours unless something was lost
        try:
            theirs = dict(self._messaging.counts(self._after, BATCH))
        except PeerUnavailableError:
            logs.logger("account").warning("messaging cannot be asked", peer="messaging")
            return
        ends = [max(each) for each in (own, theirs) if len(each) == BATCH]
        seen = {each for each in own.keys() | theirs.keys() if not ends or each <= min(ends)}
        for patient in sorted(seen):
            if not self._settled(patient, own.get(patient, 0), theirs.get(patient, 0)):
                return
        self._after = min(ends, default="")

    def _settled(self, patient: str, own: int, theirs: int) -> bool:
        """Whether messaging answered, as far as it had to be asked."""
        if own > theirs:
            self._alarms.raise_(Alarm.LOST, patient)
        return own >= theirs or self._catch_up(patient)

    def _own(self, after: str) -> dict[str, int]:
        query = select(AccountLeafRow.patient, func.max(AccountLeafRow.n)).where(AccountLeafRow.patient > after)
        query = query.group_by(AccountLeafRow.patient).order_by(AccountLeafRow.patient).limit(BATCH)
        with self._database.transaction() as session:
            return dict(session.execute(query).all())

    def _catch_up(self, patient: str) -> bool:
        """Record what messaging has beyond the last line of a patient. False: it cannot be asked just now."""
        try:
            while self._fetch(patient):
                pass
        except PeerUnavailableError:
            logs.logger("account").warning("messaging cannot be asked", peer="messaging")
            return False
        except ContradictionError as error:
            self._alarms.raise_(Alarm.CONTRADICTION, f"{error.patient}/{error.n}")
        except ValueError:  # pydantic's is one
            self._alarms.raise_(Alarm.UNREADABLE, patient)
        return True

    def _fetch(self, patient: str) -> bool:
        """Whether a page brought the account further.

        Raises `PeerUnavailableError`, `ContradictionError`, and ValueError for a line that says nothing.
        """
        with self._database.transaction() as session:
            before = account.last(session, patient)
        found = self._messaging.lines(patient, before)
        events = [each for each in found if each.type in account.HANDLERS and each.data.get("patient") == patient]
        try:
            self._record(events)
        except (ContradictionError, ValueError):
            for event in events:  # what stands before the wrong one is recorded all the same
                self._record([event])
        with self._database.transaction() as session:
            return account.last(session, patient) > before

    def _record(self, events: Sequence[Event]) -> None:
        with self._database.transaction() as session:
            for event in events:
                account.record(session, event)
