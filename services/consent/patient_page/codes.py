"""Patients' codes: issued by a party, changed and cancelled by the patient or a party.

Owns their rows. Refuses to keep or show a code after it was made: its digest is what stays. Refuses a code that opens
more than its giver may see: whoever prints a code has read it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from .. import records, refusals, texts
from ..deps import Collaborators
from ..models import PatientCodeRow, PatientSessionRow
from ..rules.lifecycle import Deed
from ..rules.patient_codes import make_code
from ..rules.standing import Member, may, standings

RANDOM_BYTES = 16


@dataclass(frozen=True)
class Scope:
    """What a code opens: of one patient, what the party who gave the code may see."""

    patient: str
    party: Member


def issue(with_: Collaborators, member: Member, patient: str) -> str:
    """A new code for a patient, in the place of the one before that the caller gave; whoever was signed in by that one
    is signed out.

    Raises problem 404 unless the caller is a party to a consent of the patient.
    """
    with with_.database.transaction() as session:
        _check_party(session, member, patient)
        return _put(with_, session, Scope(patient, member), member.practitioner)


def cancel(with_: Collaborators, member: Member, patient: str) -> None:
    """No code that was given by the caller's organization opens the page of this patient any more. Cancelling again
    changes nothing. Raises problem 404.
    """
    with with_.database.transaction() as session:
        _check_party(session, member, patient)
        for model in (PatientCodeRow, PatientSessionRow):
            theirs = (model.patient == patient, model.organization == member.organization)
            session.execute(delete(model).where(*theirs))


def rotate(with_: Collaborators, session: Session, scope: Scope) -> str:
    """A new code for a patient who asks for it on their page; it opens what the one before did."""
    return _put(with_, session, scope, None)


def end(session: Session, scope: Scope) -> None:
    """Take a code away, and end every session that it began."""
    for model in (PatientCodeRow, PatientSessionRow):
        own = (model.patient == scope.patient, model.practitioner == scope.party.practitioner)
        session.execute(delete(model).where(*own))


def scope_of(session: Session, code: str) -> Scope | None:
    """What a code opens, or None. The digest of a wrong code tells nothing of a right one."""
    row = session.scalars(select(PatientCodeRow).where(PatientCodeRow.code_sha256 == _digest(code))).one_or_none()
    return None if row is None else Scope(row.patient, Member(row.practitioner, row.organization))


def _put(with_: Collaborators, session: Session, scope: Scope, by: UUID | None) -> str:
    records.lock_patient(session, scope.patient)
    end(session, scope)
    code = make_code(secrets.token_bytes(RANDOM_BYTES))
    row = PatientCodeRow(
        patient=scope.patient,
        practitioner=scope.party.practitioner,
        organization=scope.party.organization,
        code_sha256=_digest(code),
        issued_at=with_.clock.now(),
        issued_by=by,
    )
    session.add(row)
    session.flush()
    return code


def _check_party(session: Session, member: Member, patient: str) -> None:
    for consent in records.of_patient(session, patient):
        if may(Deed.ISSUE_CODE, standings(member, texts.terms_of(consent, consent.versions[-1]))):
            return
    raise refusals.no_such_patient()


def _digest(code: str) -> str:
    return hashlib.sha256(b"concord patient code\n" + code.encode()).hexdigest()
