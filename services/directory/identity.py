"""Identity checks: whose word stands behind an invitation.

Owns what a check must say of the person who is invited, and that it is signed by the very device that invites. Refuses
an invitation without one. It cannot tell whether the administrator looked well: it keeps who said so, for everybody to
see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from concord_formats.identity_checks import (
    Checked,
    IdentityCheck,
    IdentityCheckError,
    SignedIdentityCheck,
    read_identity_check,
)
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import Problem, invalid_field, not_found

from . import own_word
from .deps import Deps
from .models import Device, IdentityCheckRow, Practitioner
from .rules.people import DeviceStatus, Status

# The attestor's device dates its word; as an attestation's.
SKEW = timedelta(minutes=10)
# Health plans verify credentials anew at least every three years (42 CFR 422.204(b)(2)(ii)): so long a look counts.
MAX_AGE = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Invitee:
    """Whom a check is about, as the invitation says."""

    organization: UUID
    role: str
    name: str
    npi: str | None


@dataclass(frozen=True)
class ByOperator:
    """The operator's own word, which nobody signs: of an organization's first administrator."""

    how: Checked
    checked_on: date


def checked(deps: Deps, caller: Caller, invitee: Invitee, signed: SignedIdentityCheck) -> IdentityCheck:
    """The check, when it is by the caller's own device and about this very person.

    Some milliseconds of ML-DSA: outside any transaction. Raises problem 422 `invalid-identity-check`.
    """
    key = own_word.signing_key(deps, caller)
    if key is None:
        raise _invalid("it must be signed by the device that sends it")
    try:
        said = read_identity_check(signed, key)
    except IdentityCheckError as error:
        raise _invalid(str(error)) from None
    if (said.attestor, said.device) != (caller.practitioner, caller.device):
        raise _invalid("attestor and device must be those that send it")
    if Invitee(said.organization, said.role, said.name, said.npi) != invitee:
        raise _invalid(
            "it is about another person than the invitation: organization, role, name and npi must be the same"
        )
    now = deps.clock.now()
    if abs(said.at - now) > SKEW:
        raise _invalid("it is dated at another time; check the clock of this machine")
    if said.checked_on < (now - MAX_AGE).date():
        raise _invalid("the check is older than three years; check the person again")
    return said


def by_operator(deps: Deps, how: Checked, checked_on: date | None) -> ByOperator:
    """The operator's word. Raises problem 422 for a day that is still to come, or too long past."""
    today = deps.clock.now().date()
    day = checked_on or today
    if not today - MAX_AGE <= day <= today + timedelta(days=1):
        raise invalid_field("checked_on", "must be a day of the last three years")
    return ByOperator(how, day)


def keep(
    deps: Deps,
    session: Session,
    practitioner: UUID,
    said: IdentityCheck | ByOperator,
    signed: SignedIdentityCheck | None = None,
) -> None:
    """Store a check that was found right, in the place of that of an earlier invitation."""
    row = IdentityCheckRow(practitioner_id=practitioner, how=said.how, checked_on=said.checked_on)
    row.recorded_at = deps.clock.now()
    row.attestor_id, row.device_id, row.line, row.signature = None, None, None, None
    if isinstance(said, IdentityCheck) and signed is not None:
        row.attestor_id, row.device_id = said.attestor, said.device
        row.line, row.signature = signed.line, signed.signature
    session.merge(row)


def still_counts(session: Session, practitioner: UUID) -> bool:
    """Whether who checked is in force, and the device that signed, as for an attestation of a recovery: of who was
    suspended, or whose device was stolen, no invitation is left that lets somebody in.

    Both stay as they are until the caller's transaction ends. The operator's word counts, and that of before checks.
    """
    row = session.get(IdentityCheckRow, practitioner)
    if row is None or row.attestor_id is None or row.device_id is None:
        return True
    device = session.get_one(Device, row.device_id, with_for_update={"read": True, "of": Device})
    attestor = session.get_one(Practitioner, row.attestor_id, with_for_update={"read": True, "of": Practitioner})
    return device.status == DeviceStatus.ACTIVE and attestor.status == Status.ACTIVE


def of(deps: Deps, practitioner: UUID) -> IdentityCheckRow:
    """How somebody's identity was checked.

    Raises problem 404, also for who was invited before checks were recorded.
    """
    with deps.database.transaction() as session:
        row = session.get(IdentityCheckRow, practitioner)
    if row is None:
        raise not_found("identity check")
    return row


def _invalid(why: str) -> Problem:
    detail = f"{why[:1].upper()}{why[1:]}."
    return Problem(422, "invalid-identity-check", "Identity check not accepted", detail, field="identity")
