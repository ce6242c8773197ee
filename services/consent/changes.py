"""One change of one consent, or of all of a patient's: found, locked, allowed, made, told.

Owns the transaction that every change shares, and the telling of the feed inside it. Refuses to wait: the barrier is
awaited by the use cases after the commit, never while a row is locked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import outbox
from services.chassis.feed import Number

from . import events, records, refusals, restrictions, texts
from .deps import Collaborators
from .models import ConsentRow, VersionRow
from .rules import lifecycle
from .rules.elements import LAW
from .rules.lifecycle import Deed, LifecycleError, Status
from .rules.standing import Actor, Member, Patient, may, standings

# Who waits for something new after a commit: the relay for its outbox, the barrier for its feed.
CHANNELS = (outbox.CHANNEL, "feed")


@dataclass(frozen=True)
class Change:
    """An open transaction that holds the lock on one consent."""

    with_: Collaborators
    session: Session
    consent: ConsentRow
    actor: Actor
    now: datetime

    @property
    def member(self) -> Member:
        """Whoever is signed in; for what no patient's page does."""
        assert isinstance(self.actor, Member)  # noqa: S101 - `rules.standing.WHO` gives these deeds to members only
        return self.actor

    @property
    def by(self) -> UUID | None:
        """The practitioner who acts; None for the patient."""
        return self.actor.practitioner if isinstance(self.actor, Member) else None

    def version(self, number: int, deed: Deed) -> VersionRow:
        """The version to which `deed` is done.

        Raises problems 404, 403 and, where its status does not allow it, 409.
        """
        version = records.version_of(self.consent, number)
        if version is None:
            raise refusals.no_such_version()
        self.check(deed, version)
        self.after(version, deed)
        return version

    def check(self, deed: Deed, version: VersionRow) -> None:
        """Raises problem 403 when this is not for the actor to do."""
        check_standing(self.actor, deed, self.consent, version)

    def after(self, version: VersionRow, deed: Deed) -> Status:
        """What `deed` makes of the version's status. Raises problem 409."""
        text = texts.text_of(self.consent, version)
        try:
            return lifecycle.after(lifecycle.shown(Status(version.status), text, self.now), deed)
        except LifecycleError as error:
            raise refusals.not_in_this_status(error) from None

    def tell(self, event_type: str, data: dict[str, Any], *versions: VersionRow) -> None:
        """Number the change, in this transaction, and note the number with the versions it is about."""
        # Last in the transaction: the feed's row is everybody's, and is locked until the commit.
        self.session.flush()
        event = self.with_.feed.append(self.session, event_type, str(self.consent.id), data)
        for version in versions:
            version.feed_epoch, version.feed_seq = Number.of(event)

    def tell_activated(self, version: VersionRow, *others: VersionRow) -> None:
        """Tell that a version is in force, with its grants; `others` are those whose place it took."""
        withheld = restrictions.withheld_of(self.session, self.consent.patient)
        version.law = LAW
        self.tell(events.ACTIVATED, events.activated(self.consent, version, withheld), version, *others)


@dataclass(frozen=True)
class PatientChange:
    """An open transaction that holds the lock on what may be disclosed of one patient."""

    with_: Collaborators
    session: Session
    patient: str
    now: datetime

    def tell_in_force(self) -> tuple[UUID | None, int | None]:
        """Tell anew every consent of the patient that is in force, with its grants as they are now.

        The number of the last change, by which all of them hold; none when nothing is in force.
        """
        self.session.flush()
        number: tuple[UUID | None, int | None] = (None, None)
        for consent in records.lock_in_force(self.session, self.patient):
            version = records.in_status(consent, Status.ACTIVE)
            if version is not None:
                Change(self.with_, self.session, consent, Patient(self.patient), self.now).tell_activated(version)
                number = version.feed_epoch, version.feed_seq
        return number


@contextmanager
def change_patient(with_: Collaborators, patient: str) -> Iterator[PatientChange]:
    """Lock a patient, and commit at the end of the block. Consents are locked after it, in the order of their ids."""
    with with_.database.transaction() as session:
        records.lock_patient(session, patient)
        yield PatientChange(with_, session, patient, with_.clock.now())
    for channel in CHANNELS:
        with_.notifier.notify(channel)


@contextmanager
def change(with_: Collaborators, actor: Actor, consent: UUID) -> Iterator[Change]:
    """Lock a consent, and commit at the end of the block. Raises problem 404, to a stranger as well."""
    with with_.database.transaction() as session:
        patient = records.patient_of(session, consent)
        if patient is None:
            raise refusals.no_such_consent()
        records.lock_patient(session, patient)
        row = records.lock(session, consent)
        assert row is not None  # noqa: S101 - consents are never deleted
        check_standing(actor, Deed.READ, row, row.versions[-1])
        yield Change(with_, session, row, actor, with_.clock.now())
    for channel in CHANNELS:
        with_.notifier.notify(channel)


def check_standing(actor: Actor, deed: Deed, consent: ConsentRow, version: VersionRow) -> None:
    """Whether `actor` may do this deed. Raises problem 404 to a stranger, 403 to a party of the wrong side."""
    held = standings(actor, texts.terms_of(consent, version))
    if not held:
        raise refusals.no_such_consent()
    if not may(deed, held):
        raise refusals.not_the_discloser()
