"""Messaging's account as a test makes it: numbered lines, told in whatever order, or asked for.

Owns the lines and the fake of messaging. Refuses the network: `account_peer` has tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from services.chassis.event import Event
from services.chassis.peer_http import PeerUnavailableError
from services.consent import account
from services.consent.models import DisclosureRow
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN
from tests.unit.consent.world import Steps

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RELEASED = "care.concord.messaging.letter-released.v1"
OTHER = "pt_" + "b" * 26


def line(n: int, consent: UUID | None = None, patient: str = PATIENT, type_: str = RELEASED, **changed: Any) -> Event:
    """Line `n` of a patient, as messaging tells it."""
    data = {
        "patient": patient,
        "letter": str(uuid4()),
        "consent": str(consent or UUID(int=7)),
        "consent_version": 1,
        "sender": str(PHYSICIAN.practitioner),
        "recipient": str(COLLEAGUE.practitioner),
        "purpose": "treatment",
        "information": ["diagnoses"],
        "sensitivity": ["general"],
        "at": "2026-11-23T12:00:00Z",
        "basis": "consent",
        "notice": False,
    }
    return Event.create("messaging", type_, data | changed | {"n": n}, time=AT)


def tell(world: Steps, events: Iterable[Event]) -> None:
    """Record events, each in a transaction of its own."""
    for event in events:
        with world.database.transaction() as session:
            account.record(session, event)


def recorded(world: Steps, patient: str = PATIENT) -> list[int]:
    """The numbers of a patient's recorded lines, in the order of their leaves."""
    query = select(DisclosureRow.n).where(DisclosureRow.patient == patient, DisclosureRow.leaf.is_not(None))
    with world.database.transaction() as session:
        return [n for n in session.scalars(query.order_by(DisclosureRow.leaf)) if n is not None]


class Ledger:
    """Messaging's own account, a few lines a page; `away` makes it silent."""

    def __init__(self, *events: Event, page: int = 3) -> None:
        self.events = list(events)
        self.page = page
        self.away = False
        self.asked = 0

    def lines(self, patient: str, after: int) -> Sequence[Event]:
        self._answer()
        own = [each for each in self.events if each.data["patient"] == patient and each.data["n"] > after]
        return sorted(own, key=lambda each: int(each.data["n"]))[: self.page]

    def counts(self, after: str, limit: int) -> Sequence[tuple[str, int]]:
        self._answer()
        counts: dict[str, int] = {}
        for each in self.events:
            counts[each.data["patient"]] = max(each.data["n"], counts.get(each.data["patient"], 0))
        return [each for each in sorted(counts.items()) if each[0] > after][:limit]

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise PeerUnavailableError("messaging")
