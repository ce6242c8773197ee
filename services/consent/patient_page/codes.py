"""Patients' codes: issued by a party, changed and cancelled by the patient or a party.

Owns their rows. Refuses to keep or show a code after it was made: its digest is what stays.
"""

from __future__ import annotations

import hashlib
import secrets
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


def issue(with_: Collaborators, member: Member, patient: str) -> str:
    """A new code for a patient, in the place of any before; whoever was signed in by that one is signed out.

    Raises problem 404 unless the caller is a party to a consent of the patient.
    """
    with with_.database.transaction() as session:
        _check_party(session, member, patient)
        return _put(with_, session, patient, member.practitioner)


def cancel(with_: Collaborators, member: Member, patient: str) -> None:
    """No code opens the page of this patient any more. Cancelling again changes nothing. Raises problem 404."""
    with with_.database.transaction() as session:
        _check_party(session, member, patient)
        end(session, patient)


def rotate(with_: Collaborators, session: Session, patient: str) -> str:
    """A new code for a patient who asks for it on their page."""
    return _put(with_, session, patient, None)


def end(session: Session, patient: str) -> None:
    """Take a patient's code away, and end every session that it began."""
    session.execute(delete(PatientCodeRow).where(PatientCodeRow.patient == patient))
    session.execute(delete(PatientSessionRow).where(PatientSessionRow.patient == patient))


def patient_of(session: Session, code: str) -> str | None:
    """The patient token that a code stands for, or None. The digest of a wrong code tells nothing of a right one."""
    query = select(PatientCodeRow.patient).where(PatientCodeRow.code_sha256 == _digest(code))
    return session.scalars(query).one_or_none()


def _put(with_: Collaborators, session: Session, patient: str, by: UUID | None) -> str:
    records.lock_patient(session, patient)
    end(session, patient)
    code = make_code(secrets.token_bytes(RANDOM_BYTES))
    row = PatientCodeRow(patient=patient, code_sha256=_digest(code), issued_at=with_.clock.now(), issued_by=by)
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
