"""Coordination that a patient declined, which is a record as well.

Owns its rows and their verbs. Refuses an effect at the gate: where nobody has consented nothing leaves, and a patient
who signs a consent later has changed their mind. Only the organization that recorded it ever sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from concord_formats.vocabulary import PartyKind
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from . import records, refusals
from .deps import Collaborators
from .models import DeclinedRow
from .rules.standing import Member
from .rules.terms import Party, TermsError
from .rules.window import check_day


@dataclass(frozen=True)
class Declining:
    """Which patient declined coordination, with whom (None: with anybody), and on which day."""

    patient: str
    party: Party | None
    declined_on: date


def record(with_: Collaborators, member: Member, said: Declining) -> DeclinedRow:
    """Put on record that a patient declined. Raises problems 422 `invalid-field` and `unknown-party`, 503."""
    try:
        check_day("declined_on", said.declined_on, with_.clock.now())
    except TermsError as error:
        raise refusals.wrong_terms(error) from None
    if said.party is not None and not with_.parties.knows(said.party):
        raise refusals.unknown_party("with")
    with with_.database.transaction() as session:
        records.lock_patient(session, said.patient)
        row = _row(member, said, with_.clock.now())
        session.add(row)
    return row


def withdraw(with_: Collaborators, member: Member, declined: UUID) -> DeclinedRow:
    """The patient changed their mind. Withdrawing again answers the same. Raises problem 404."""
    with with_.database.transaction() as session:
        row = session.scalars(select(DeclinedRow).where(DeclinedRow.id == declined).with_for_update()).one_or_none()
        if row is None or row.organization != member.organization:
            raise refusals.no_such_declined()
        if row.withdrawn_at is None:
            row.withdrawn_at, row.withdrawn_by = with_.clock.now(), member.practitioner
    return row


def list_own(
    with_: Collaborators, member: Member, patient: str, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[DeclinedRow]:
    """What the caller's organization recorded of a patient, oldest first."""
    age = (DeclinedRow.created_at, DeclinedRow.id)
    theirs = (DeclinedRow.patient == patient, DeclinedRow.organization == member.organization)
    query = select(DeclinedRow).where(*theirs).order_by(*age).limit(limit)
    if after is not None:
        query = query.where(tuple_(*age) > after)
    with with_.database.transaction() as session:
        return session.scalars(query).all()


def stands(session: Session, member: Member, patient: str, recipient: Member) -> bool:
    """Whether the patient's word stands that the caller's organization is not to coordinate with this recipient."""
    theirs = (DeclinedRow.patient == patient, DeclinedRow.organization == member.organization)
    rows = session.scalars(select(DeclinedRow).where(*theirs, DeclinedRow.withdrawn_at.is_(None)))
    parties = map(party_of, rows)
    return any(party is None or recipient.is_party(party) for party in parties)


def party_of(row: DeclinedRow) -> Party | None:
    """With whom the patient declined; None: with anybody."""
    if row.party_kind is None or row.party_id is None:
        return None
    return Party(PartyKind(row.party_kind), row.party_id)


def _row(member: Member, said: Declining, now: datetime) -> DeclinedRow:
    return DeclinedRow(
        id=uuid4(),
        patient=said.patient,
        organization=member.organization,
        party_kind=said.party.kind.value if said.party else None,
        party_id=said.party.id if said.party else None,
        declined_on=said.declined_on,
        created_at=now,
        created_by=member.practitioner,
    )
