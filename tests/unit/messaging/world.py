"""A small world for messaging's tests: two clinicians, a stranger, one consent, a clock and leases moved by hand.

Owns the fakes and the facts. Refuses the chassis' feeds: what is followed is written here directly, or through the
projections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from sqlalchemy import select

from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.wake import LocalNotifier
from services.messaging import claims_followed, desk, models, projections
from services.messaging.gate import Lease

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
EPOCHS = {"consent": uuid4(), "directory": uuid4()}
AGE = b"age-encryption.org/v1\n"
PATIENT = "pt_" + "a" * 26


class FakeClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def boottime(self) -> float:
        return 1000.0 + self.passed

    def move(self, seconds: float) -> None:
        self.passed += seconds


class FakeLease:
    def __init__(self, leases: FakeLeases) -> None:
        self._leases = leases

    def live(self, clock: object) -> bool:
        return not self._leases.lapsed


class FakeLeases:
    """Leases on one feed that stand until a test lets them lapse; `seq` is what they carry."""

    def __init__(self, epoch: UUID) -> None:
        self.epoch = epoch
        self.seq = 0
        self.lapsed = False
        self.late: list[Callable[[], None]] = []
        self.asked = 0

    def usable(self, epoch: UUID, applied: int, incarnation: str | None) -> Lease | None:
        if self.lapsed or epoch != self.epoch or applied < self.seq:
            return None
        return FakeLease(self)

    def catch_up(self) -> None:
        """Hear what was told late, and count how often it was asked for."""
        self.asked += 1
        while self.late:
            self.late.pop(0)()


@dataclass
class Clinician:
    """Someone with a device."""

    id: UUID = field(default_factory=uuid4)
    organization: UUID = field(default_factory=uuid4)
    device: UUID = field(default_factory=uuid4)

    @property
    def caller(self) -> Caller:
        return Caller(self.id, self.organization, self.device, "practitioner")


def settings(**changed: Any) -> Any:
    """What `desk.compose` reads of the settings."""
    values = {
        # Longer than any pause of a busy machine, since PostgreSQL counts real time. Tests of the deadline set it.
        "gate_deadline_seconds": 8.0,
        "held_letters_expire_days": 5,
        "long_polls_max": 2,
        "long_poll_max_seconds": 5.0,
        "letter_max_bytes": 8 * 1024 * 1024,
    }
    return SimpleNamespace(**(values | changed))


class World:
    """One messaging database with its facts, and the verbs on it."""

    def __init__(self, database: Database, **changed: Any) -> None:
        self.database = database
        self.clock = FakeClock()
        self.notifier = LocalNotifier()
        self.leases = {name: FakeLeases(epoch) for name, epoch in EPOCHS.items()}
        self.desk = desk.compose(settings(**changed), database, self.notifier, self.clock, self.leases)
        self.physician, self.psychologist, self.stranger = Clinician(), Clinician(), Clinician()
        self.consent = uuid4()
        self._establish()

    def _establish(self) -> None:
        with self.database.transaction() as session:
            for name, epoch in EPOCHS.items():
                session.add(models.FeedPosition(feed=name, epoch=epoch, applied=0))
        for who in (self.physician, self.psychologist, self.stranger):
            self.enrol(who)
        self.activate()

    def close(self) -> None:
        """Close every connection."""
        self.desk.gate.close()
        self.database.dispose()

    def enrol(self, who: Clinician) -> None:
        """Let the directory tell of a clinician and their device."""
        self.told(projections.practitioner_changed, practitioner=who.id, organization=who.organization, status="active")
        self.told(projections.device_registered, device=who.device, practitioner=who.id, jkt="x")

    def told(self, handler: Any, **data: Any) -> None:
        """Apply one change, as the feed would."""
        event = Event.create("test", "care.concord.test", plain(data), time=NOW)
        with self.database.transaction() as session:
            projections.take_turns(session, [event])
            handler(session, event)

    def activate(self, *, version: int = 1, grants: list[dict[str, Any]] | None = None, **changed: Any) -> None:
        """Put a version of the consent in force; both ways unless told otherwise."""
        ways = [(self.physician, self.psychologist), (self.psychologist, self.physician)]
        self.told(
            projections.consent_activated,
            consent=self.consent,
            version=version,
            patient=PATIENT,
            parties=[{"kind": "practitioner", "id": who.id} for who in (self.physician, self.psychologist)],
            grants=grants if grants is not None else [grant(*way, **changed) for way in ways],
        )

    def delegate(self, delegator: Clinician, delegate: Clinician, **changed: Any) -> UUID:
        """Let the directory tell of a delegation that covers the world's letters; its id."""
        delegation: UUID = changed.pop("delegation", None) or uuid4()
        self.told(claims_followed.delegation_given, **given(delegation, delegator, delegate, **changed))
        return delegation

    def join(self, team: UUID, *members: Clinician) -> None:
        """Let the directory tell of members of a team, in their own organization."""
        for who in members:
            self.told(claims_followed.team_member_added, team=team, organization=who.organization, practitioner=who.id)

    def leave(self, team: UUID, who: Clinician) -> None:
        """Let the directory tell that a member was removed."""
        self.told(claims_followed.team_member_removed, team=team, practitioner=who.id)

    def revoke(self) -> None:
        """Revoke the consent."""
        self.told(projections.consent_revoked, consent=self.consent, version=1)

    def lapse(self, *, lapsed: bool = True) -> None:
        """Let the leases lapse, or come back."""
        for leases in self.leases.values():
            leases.lapsed = lapsed

    def address(self, **changed: Any) -> Address:
        """A letter of the physician to the psychologist."""
        letter = changed.pop("letter", None) or uuid4()
        values: dict[str, Any] = {
            "v": 1,
            "letter": letter,
            "sender": self.physician.id,
            "device": self.physician.device,
            "recipients": (self.psychologist.id,),
            "patient": PATIENT,
            "consent": self.consent,
            "consent_version": 1,
            "purpose": Purpose.TREATMENT,
            "information": frozenset({Information.DIAGNOSES}),
            "sensitivity": frozenset({Sensitivity.GENERAL}),
            "thread": letter,
            "sealed_at": NOW,
        }
        return Address(**(values | changed))

    def send(
        self, address: Address | None = None, body: bytes = AGE + b"sealed", sender: Clinician | None = None
    ) -> Any:
        """Send a letter as its sender would."""
        address = address or self.address()
        return self.desk.sending.send((sender or self.physician).caller, address.letter, pieces(framed(address, body)))

    def fetch(self, letter: UUID, reader: Clinician | None = None) -> bytes:
        """Fetch a letter as its recipient would."""
        size, windows = self.desk.handout.fetch((reader or self.psychologist).caller, letter)
        body = b"".join(windows)
        assert len(body) == size
        return body

    def rows(self, model: Any) -> list[Any]:
        """Every row of a table."""
        with self.database.transaction() as session:
            return list(session.scalars(select(model)))

    def events(self) -> list[str]:
        """The short names of the events that wait for the broker, oldest first."""
        with self.database.transaction() as session:
            bodies = session.scalars(select(models.Outbox.body).order_by(models.Outbox.id)).all()
        return [Event.decode(body).type.split(".")[3] for body in bodies]

    def inbox(self, reader: Clinician | None = None, after: int = 0) -> list[UUID]:
        """The letters in a mailbox."""
        page = self.desk.mailbox.page((reader or self.psychologist).id, after, 50, 0)
        return [each.letter for each in page.entries]


def grant(discloser: Clinician, recipient: Clinician, **changed: Any) -> dict[str, Any]:
    """One way of the consent, as it stands in an event."""
    values: dict[str, Any] = {
        "discloser": {"kind": "practitioner", "id": discloser.id},
        "recipient": {"kind": "practitioner", "id": recipient.id},
        "purposes": ["treatment"],
        "information": ["diagnoses", "medications"],
        "sensitivity": ["general", "behavioral-health"],
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": "2027-01-01T00:00:00Z",
    }
    return values | changed


def given(delegation: UUID, delegator: Clinician, delegate: Clinician, **changed: Any) -> dict[str, Any]:
    """A delegation, as it stands in an event and in a snapshot."""
    values: dict[str, Any] = {
        "delegation": delegation,
        "delegator": delegator.id,
        "delegate": delegate.id,
        "purposes": ["treatment"],
        "information": ["diagnoses", "medications"],
        "sensitivity": ["general"],
        "valid_from": "2026-11-01T00:00:00Z",
        "valid_until": "2026-12-01T00:00:00Z",
    }
    return values | changed


def plain(value: Any) -> Any:
    """A value as it comes out of JSON."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, UUID) else value


def framed(address: Address, body: bytes) -> bytes:
    """A letter's body as it goes over the wire."""
    return address.encode() + b"\n" + body


def digest(address: Address, body: bytes) -> str:
    """What a receipt says of a letter's bytes."""
    return hashlib.sha256(framed(address, body)).hexdigest()


def pieces(body: bytes, size: int = 1024 * 1024) -> Iterator[bytes]:
    """A body as it is read from a request."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def sqlite(folder: Path) -> Database:
    """A fresh database in a file."""
    return Database(f"sqlite:///{folder / 'messaging.db'}")
