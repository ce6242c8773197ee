"""The verbs of a restriction: agree to it, put a refusal on record, end it, list.

Owns the order of the steps in each. Refuses two things: to answer that a restriction stands before no enforcement point
can act against it, and to end one on the provider's word alone. Sources: 45 CFR 164.522(a), 42 CFR 2.26.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from . import refusals, restrictions
from .changes import PatientChange, change_patient
from .deps import Collaborators
from .models import RestrictionRow
from .rules.restrictions import EndedHow, RestrictionStatus, Withheld
from .rules.standing import Member
from .rules.terms import TermsError
from .rules.window import check_day
from .usecases import ACTIVATION_WAIT_SECONDS, REVOCATION_WAIT_SECONDS

# More than any patient asks of one practice. Every grant of the patient carries all of them, and every letter is
# judged by it.
MAX_STANDING = 100


@dataclass(frozen=True)
class Asked:
    """What a patient asked a provider to withhold, and on which day."""

    patient: str
    withheld: Withheld
    requested_on: date


@dataclass(frozen=True)
class Restriction:
    """A restriction as read, and since when its last change holds everywhere."""

    row: RestrictionRow
    effective_at: datetime | None


def agree(with_: Collaborators, member: Member, asked: Asked) -> Restriction:
    """Agree to withhold, and wait until it holds everywhere. Agreeing to the same again answers the same.

    Raises problems 403 `not-the-discloser`, 409 `too-many-restrictions`, 422 `invalid-field` and `unknown-party`, 503.
    """
    _check(with_, member, asked)
    with change_patient(with_, asked.patient) as opened:
        standing = restrictions.standing_of(opened.session, asked.patient, asked.withheld.discloser)
        row = next((each for each in standing if restrictions.withheld_from(each) == asked.withheld), None)
        if row is None:
            if len(standing) >= MAX_STANDING:
                raise refusals.too_many_restrictions(MAX_STANDING)
            row = _put(opened, member, asked, RestrictionStatus.AGREED)
            row.feed_epoch, row.feed_seq = opened.tell_in_force()
    return _settled(with_, row.id, REVOCATION_WAIT_SECONDS)


def refuse(with_: Collaborators, member: Member, asked: Asked) -> Restriction:
    """Put on record that a patient asked and the provider did not agree: nothing is withheld. Raises as `agree`."""
    _check(with_, member, asked)
    with change_patient(with_, asked.patient) as opened:
        row = _put(opened, member, asked, RestrictionStatus.DECLINED_BY_PROVIDER)
    return Restriction(row, row.created_at)


def end(with_: Collaborators, member: Member, restriction: UUID, how: EndedHow) -> Restriction:
    """End a restriction by the patient's word. Ending it again answers the same.

    Raises problems 404, to a stranger as well, and 409 `restriction-not-agreed`.
    """
    with change_patient(with_, _patient_of(with_, member, restriction)) as opened:
        row = opened.session.get_one(RestrictionRow, restriction)
        if row.status == RestrictionStatus.DECLINED_BY_PROVIDER:
            raise refusals.restriction_not_agreed()
        if row.status == RestrictionStatus.AGREED:
            row.status, row.ended_how = RestrictionStatus.ENDED.value, how.value
            row.ended_at, row.ended_by = opened.now, member.practitioner
            row.feed_epoch, row.feed_seq = opened.tell_in_force()
    # It takes nothing away, as a first activation takes nothing away.
    return _settled(with_, restriction, ACTIVATION_WAIT_SECONDS)


def list_own(
    with_: Collaborators, member: Member, patient: str, after: tuple[datetime, UUID] | None, limit: int
) -> list[Restriction]:
    """The restrictions of a patient that are the caller's own side's, oldest first."""
    with with_.database.transaction() as session:
        return [_see(session, row) for row in restrictions.page_of(session, member, patient, after, limit)]


def _check(with_: Collaborators, member: Member, asked: Asked) -> None:
    if not member.is_party(asked.withheld.discloser):
        raise refusals.not_own_side()
    try:
        check_day("requested_on", asked.requested_on, with_.clock.now())
    except TermsError as error:
        raise refusals.wrong_terms(error) from None
    recipient = asked.withheld.recipient
    if recipient is not None and not with_.parties.knows(recipient):
        raise refusals.unknown_party("recipient")


def _put(opened: PatientChange, member: Member, asked: Asked, status: RestrictionStatus) -> RestrictionRow:
    withheld = asked.withheld
    row = RestrictionRow(
        id=uuid4(),
        patient=asked.patient,
        status=status.value,
        discloser_kind=withheld.discloser.kind.value,
        discloser_id=withheld.discloser.id,
        recipient_kind=withheld.recipient.kind.value if withheld.recipient else None,
        recipient_id=withheld.recipient.id if withheld.recipient else None,
        information=sorted(withheld.information),
        sensitivity=sorted(withheld.sensitivity),
        requested_on=asked.requested_on,
        created_at=opened.now,
        created_by=member.practitioner,
    )
    opened.session.add(row)
    return row


def _patient_of(with_: Collaborators, member: Member, restriction: UUID) -> str:
    """Whose restriction it is. Raises problem 404, to anyone but the discloser's side as well."""
    with with_.database.transaction() as session:
        row = session.get(RestrictionRow, restriction)
    if row is None or not member.is_party(restrictions.withheld_from(row).discloser):
        raise refusals.no_such_restriction()
    return row.patient


def _settled(with_: Collaborators, restriction: UUID, wait: float) -> Restriction:
    """The restriction as it is once its last change holds everywhere, or after `wait` seconds as it is then."""
    seen = _read(with_, restriction)
    if seen.effective_at is None and seen.row.told is not None:
        with_.barrier.await_effective(seen.row.told, wait)
        seen = _read(with_, restriction)
    return seen


def _read(with_: Collaborators, restriction: UUID) -> Restriction:
    with with_.database.transaction() as session:
        return _see(session, session.get_one(RestrictionRow, restriction))


def _see(session: Session, row: RestrictionRow) -> Restriction:
    return Restriction(row, restrictions.effective_at(session, row))
