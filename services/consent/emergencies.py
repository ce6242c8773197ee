"""Releases in an emergency: declared by the sender, reviewed by the organization's privacy officer.

Owns the record of each, which compiles to a grant of one letter, and the queue of reviews. Refuses to let anybody but
the sender declare one, and to open anything beside that letter. Source: 42 CFR 2.51.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from concord_formats.vocabulary import (
    ConsentType,
    FormLanguage,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
)
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from services.chassis import outbox
from services.chassis.event import Event

from . import events, records, refusals, texts
from .changes import CHANNELS, Change
from .deps import Collaborators
from .evidence import AGE_LINE, Sealed, sealed_of
from .models import ConsentRow, EmergencyRow, EvidenceChunk, EvidenceUpload, Outbox
from .records import Seen
from .rules.emergency import CLOCKS_DIFFER, OPEN_FOR, REVIEW_WITHIN, HabitError, Outcome, check_limits, may_review
from .rules.lifecycle import Status
from .rules.standing import Member
from .rules.terms import Attestation, FormOrigin, Party, SignatureMethod, Signer, Terms

ACTIVATION_WAIT_SECONDS = 5.0
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Declaration:
    """What the sender declares. `documentation` is sealed: facility, nature of the emergency, names (2.51(c))."""

    patient: str
    letter: UUID
    recipient: UUID
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    documentation: bytes


@dataclass(frozen=True)
class Declared:
    """One record of the queue, with its consent row."""

    emergency: EmergencyRow
    consent: ConsentRow


def declare(with_: Collaborators, member: Member, said: Declaration) -> Seen:
    """Record an emergency, and let its one letter pass; answers once that holds at the gate.

    Declaring again for the same letter answers the same. Raises problems 403 `emergency-limit`, 422
    `evidence-not-sealed`, `unknown-party` and `invalid-field`, 503.
    """
    _check(with_, member, said)
    with with_.database.transaction() as session:
        records.lock_declarer(session, member.practitioner)
        records.lock_patient(session, said.patient)
        consent = _known(session, member, said.letter) or _record(with_, session, member, said)
    for channel in CHANNELS:
        with_.notifier.notify(channel)
    with with_.database.transaction() as session:
        row = session.get_one(ConsentRow, consent)
        told = row.versions[0].told
    if told is not None:
        with_.barrier.await_effective(told, ACTIVATION_WAIT_SECONDS)
    with with_.database.transaction() as session:
        return records.see(session, session.get_one(ConsentRow, consent))


def queue(
    with_: Collaborators, member: Member, role: str, after: tuple[datetime, UUID] | None, limit: int, *, waiting: bool
) -> list[Declared]:
    """The organization's emergencies, oldest first; only those that wait for a review, or all. Raises problem 403."""
    _check_reviewer(role)
    query = select(EmergencyRow).where(EmergencyRow.organization == member.organization)
    if waiting:
        query = query.where(EmergencyRow.reviewed_at.is_(None))
    if after is not None:
        query = query.where(tuple_(EmergencyRow.declared_at, EmergencyRow.consent) > after)
    with with_.database.transaction() as session:
        rows = session.scalars(query.order_by(EmergencyRow.declared_at, EmergencyRow.consent).limit(limit)).all()
        return [Declared(row, session.get_one(ConsentRow, row.consent)) for row in rows]


def review(with_: Collaborators, member: Member, role: str, consent: UUID, outcome: Outcome) -> Declared:
    """Note what a reviewer found; a later review takes the place of the one before.

    Raises problem 404 for another organization's, 403 for one's own.
    """
    _check_reviewer(role)
    with with_.database.transaction() as session:
        row = session.get(EmergencyRow, consent, with_for_update=True)
        if row is None or row.organization != member.organization:
            raise refusals.no_such_emergency()
        if row.declared_by == member.practitioner:
            raise refusals.own_emergency()
        row.reviewed_at, row.reviewed_by, row.outcome = with_.clock.now(), member.practitioner, outcome.value
        session.flush()
        return Declared(row, session.get_one(ConsentRow, consent))


def documentation(with_: Collaborators, member: Member, role: str, consent: UUID) -> Sealed:
    """The sealed documentation, to the sender and to those who review. Raises problem 404 to anybody else."""
    with with_.database.transaction() as session:
        row = session.get(EmergencyRow, consent)
        if row is None or row.organization != member.organization:
            raise refusals.no_such_emergency()
        if row.declared_by != member.practitioner and not may_review(role):
            raise refusals.no_such_emergency()
        version = session.get_one(ConsentRow, consent).versions[0]
    return sealed_of(with_.database, version)


def _check(with_: Collaborators, member: Member, said: Declaration) -> None:
    if not said.documentation.startswith(AGE_LINE):
        raise refusals.evidence_not_sealed()
    if said.recipient == member.practitioner:
        raise refusals.invalid_recipient()
    if not with_.parties.knows(Party(PartyKind.PRACTITIONER, said.recipient)):
        raise refusals.unknown_party("recipient")


def _known(session: Session, member: Member, letter: UUID) -> UUID | None:
    own = (ConsentRow.letter == letter, ConsentRow.created_by == member.practitioner)
    return session.scalars(select(ConsentRow.id).where(*own)).first()


def _record(with_: Collaborators, session: Session, member: Member, said: Declaration) -> UUID:
    now = with_.clock.now()
    _check_habit(session, member, now)
    row = texts.new_consent(_terms(member, said, now), member.practitioner, now)
    row.letter = said.letter
    _document(session, row, member, said.documentation, now)
    session.add(row)
    session.add(
        EmergencyRow(consent=row.id, organization=member.organization, declared_by=member.practitioner, declared_at=now)
    )
    session.flush()
    Change(with_, session, row, member, now).tell_activated(row.versions[0])
    outbox.record(session, Outbox, _event(row, member, now))
    return row.id


def _check_habit(session: Session, member: Member, now: datetime) -> None:
    mine = EmergencyRow.declared_by == member.practitioner
    count = select(func.count()).select_from(EmergencyRow).where(mine)
    today = session.scalar(count.where(EmergencyRow.declared_at > now - A_DAY)) or 0
    waiting = (EmergencyRow.reviewed_at.is_(None), EmergencyRow.declared_at < now - REVIEW_WITHIN)
    overdue = session.scalar(count.where(*waiting)) or 0
    try:
        check_limits(today, overdue)
    except HabitError as error:
        raise refusals.emergency_limit(error) from None


def _terms(member: Member, said: Declaration, now: datetime) -> Terms:
    return Terms(
        type=ConsentType.EMERGENCY,
        patient=said.patient,
        discloser=Party(PartyKind.PRACTITIONER, member.practitioner),
        recipient=Party(PartyKind.PRACTITIONER, said.recipient),
        mutual=False,
        purposes=frozenset({Purpose.EMERGENCY}),
        information=said.information,
        sensitivity=said.sensitivity,
        valid_from=now - CLOCKS_DIFFER,
        valid_until=now + OPEN_FOR,
        expires_on=None,
    )


def _document(session: Session, row: ConsentRow, member: Member, sealed: bytes, now: datetime) -> None:
    """Store the documentation, in force at once: 42 CFR 2.51(c) asks for it with the disclosure, not afterwards."""
    upload, version = uuid4(), row.versions[0]
    session.add(EvidenceUpload(id=upload, consent=row.id, started_at=now))
    session.flush()
    session.add(EvidenceChunk(upload=upload, place=0, body=sealed))
    sha256 = hashlib.sha256(sealed).hexdigest()
    attested = Attestation(
        signed_on=now.date(),
        method=SignatureMethod.ELECTRONIC,
        form=FormOrigin.CONCORD,
        language=FormLanguage.OTHER,
        statements=frozenset(),
        signer=Signer.DISCLOSER,
        authority=None,
        witness=None,
        copy_given=False,
    )
    version.evidence_upload = upload
    texts.put_evidence(version, sha256, len(sealed), attested, member.practitioner)
    for direction in version.directions:
        direction.accepted_at, direction.accepted_by = now, member.practitioner
        direction.accepted_sha256 = sha256
    version.status, version.activated_at, version.activated_by = Status.ACTIVE.value, now, member.practitioner


def _event(row: ConsentRow, member: Member, now: datetime) -> Event:
    data = events.emergency_declared(row, member.organization, member.practitioner)
    return Event.create("consent", events.EMERGENCY_DECLARED, data, time=now, subject=str(row.id))


def _check_reviewer(role: str) -> None:
    if not may_review(role):
        raise refusals.not_a_reviewer()
