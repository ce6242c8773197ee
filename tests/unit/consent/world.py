"""A consent service without a network: a real database and feed, and peers that a test turns on and off.

Owns the wiring for tests of use cases. Refuses mocks: each fake does what its original does, in less.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.feed import Feed, Number
from services.chassis.peer_http import PeerUnavailableError
from services.chassis.problems import TYPE_PREFIX, Problem
from services.chassis.wake import LocalNotifier
from services.consent import evidence, models, usecases
from services.consent.deps import Collaborators
from services.consent.peers import Affiliation
from services.consent.records import Seen
from services.consent.rules.standing import Member
from services.consent.rules.terms import Party, Terms
from tests.unit.chassis.hand_clock import HandClock
from tests.unit.consent.examples import COLLEAGUE, NOW, PHYSICIAN, PSYCHOLOGIST, SIGNED, STRANGER, TERMS

BASE = "http://concord.test"
PEOPLE = (PHYSICIAN, PSYCHOLOGIST, COLLEAGUE, STRANGER)
FORM = b"age-encryption.org/v1\n-> sealed form\n--- mac\n" + bytes(range(256))


class Barrier:
    """Answers as told: `holds` is whether every enforcement point has applied what it is asked about."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        self._database = database
        self._clock = clock
        self.holds = True
        self.asked: list[tuple[int, float]] = []

    def await_effective(self, change: Number, timeout: float) -> bool:
        self.asked.append((change.seq, timeout))
        if self.holds:
            with self._database.transaction() as session:
                row = session.get_one(models.FeedEvent, change)
                row.effective_at = row.effective_at or self._clock.now()
        return self.holds


class Bell(LocalNotifier):
    """Keeps what it was told to wake."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[str] = []

    def notify(self, channel: str, key: str = "") -> None:
        self.rung.append(channel)
        super().notify(channel, key)


class Register:
    """Knows every party but those struck off; `away` makes it silent."""

    def __init__(self) -> None:
        self.struck_off: set[UUID] = set()
        # Delegations that hold: who gave each, and to whom.
        self.given: dict[UUID, tuple[Member, Member]] = {}
        self.away = False

    def knows(self, party: Party) -> bool:
        if self.away:
            raise PeerUnavailableError("directory")
        return party.id not in self.struck_off

    def affiliation(self, practitioner: UUID) -> Affiliation | None:
        if self.away:
            raise PeerUnavailableError("directory")
        member = next((each for each in PEOPLE if each.practitioner == practitioner), None)
        return member and Affiliation(member, practitioner not in self.struck_off)

    def delegator(self, delegation: UUID, delegate: Member) -> Member | None:
        if self.away:
            raise PeerUnavailableError("directory")
        given = self.given.get(delegation)
        return given[0] if given and given[1] == delegate else None


class Steps:
    """Short words for the steps that most tests need, on any collaborators."""

    def __init__(self, collaborators: Collaborators) -> None:
        self.all = collaborators
        self.database = collaborators.database

    def draft(self, terms: Terms = TERMS, member: Member = PHYSICIAN) -> UUID:
        return usecases.draft(self.all, member, terms).consent.id

    def attach(self, consent: UUID, number: int = 1, member: Member = PHYSICIAN, form: bytes = FORM) -> Seen:
        signed = replace(SIGNED, signed_on=self.all.clock.now().date())
        return evidence.attach(self.all, member, consent, number, signed, [form])

    def accept(self, consent: UUID, number: int = 1, member: Member = PHYSICIAN, form: bytes = FORM) -> Seen:
        return usecases.accept(self.all, member, consent, number, hashlib.sha256(form).hexdigest())

    def activate(self, consent: UUID, number: int = 1, member: Member = PHYSICIAN) -> Seen:
        return usecases.activate(self.all, member, consent, number)

    def revoke(self, consent: UUID, member: Member = PSYCHOLOGIST) -> usecases.Revocation:
        return usecases.revoke(self.all, member, consent)

    def ready(self, terms: Terms = TERMS) -> UUID:
        """A draft that lacks nothing."""
        consent = self.draft(terms)
        self.attach(consent)
        self.accept(consent)
        return consent

    def active(self, terms: Terms = TERMS) -> UUID:
        """A consent in force."""
        consent = self.ready(terms)
        self.activate(consent)
        return consent

    def statuses(self, consent: UUID) -> list[str]:
        """The stored status of each version."""
        return [version.status for version in usecases.show(self.all, PHYSICIAN, consent).consent.versions]

    def told(self) -> list[Event]:
        """Every event of the feed, in order."""
        with self.database.transaction() as session:
            rows = session.scalars(select(models.FeedEvent).order_by(models.FeedEvent.seq)).all()
        return [Event.decode(row.body) for row in rows]


class World(Steps):
    """One consent service's use cases, on a clock and peers that the test moves."""

    def __init__(self, database: Database) -> None:
        self.clock = HandClock()
        self.clock.pass_((NOW - self.clock.now()).total_seconds())
        self.barrier = Barrier(database, self.clock)
        self.bell = Bell()
        self.register = Register()
        feed = Feed(database, self.bell, self.clock, settings(Path("unused")), models)
        super().__init__(Collaborators(database, self.clock, feed, self.barrier, self.bell, self.register))


def settings(folder: Path) -> Settings:
    """Settings of a consent service with its keys in `folder`."""
    return Settings(
        service="consent",
        database_url="sqlite://",
        base_url=BASE,
        service_key_file=folder / "consent.jwk",
        service_keys_file=folder / "services.jwks",
        account_key_file=folder / "account.jwk",
    )


def type_of(problem: Problem) -> str:
    """The last part of a problem's type."""
    return problem.type.removeprefix(TYPE_PREFIX)
