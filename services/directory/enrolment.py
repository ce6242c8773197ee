"""How somebody comes in: an organization is added, an administrator invites, the invited person enrols.

Owns invitations and the first entry of a key history. Refuses to tell why an invitation is refused: unknown, used and
expired read the same to whoever tries secrets.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from concord_formats.identity_checks import SignedIdentityCheck
from concord_formats.key_entries import KeyEntry, SignedEntry
from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.feed import Number
from services.chassis.problems import Problem, invalid_field, not_found

from . import events, identity, keys, look_alikes
from .deps import Deps, acting
from .finding import listings
from .models import Invitation, KeyEntryRow, Organization, Practitioner
from .openid import single_sign_on_admission
from .rules import invitations
from .rules.people import MAX_NAME, Role, Status, administers, folded, skeleton_of
from .standing import administrator_only


@dataclass(frozen=True)
class Invited:
    """An invitation as it is shown once, to the administrator who made it."""

    practitioner: UUID
    code: str
    expires_at: datetime


@dataclass(frozen=True)
class Person:
    """What an administrator says of the person they invite.

    `look_alike`: they have made sure that who has a name that looks like this one is somebody else.
    """

    role: Role
    name: str
    npi: str | None = None
    taxonomy: str | None = None
    look_alike: bool = False


def add_organization(deps: Deps, name: str) -> UUID:
    """Add an organization: an act of the operator, there is no route to it. Returns its id. Raises problem 422."""
    row = Organization(id=uuid4(), name=_named(name), folded=folded(name), created_at=deps.clock.now())
    with deps.database.transaction() as session:
        session.add(row)
    return row.id


def invite_administrator(
    deps: Deps, organization: UUID, name: str, checked: identity.ByOperator, *, look_alike: bool = False
) -> Invited:
    """Invite the first administrator of an organization: an act of the operator. Raises problem 404, and 409
    `name-looks-alike` unless `look_alike`.
    """
    with deps.database.transaction() as session:
        if session.get(Organization, organization) is None:
            raise not_found("organization")
        invited = _invite(deps, session, organization, Person(Role.ADMINISTRATOR, name, look_alike=look_alike))
        identity.keep(deps, session, invited.practitioner, checked)
    return invited


def invite(deps: Deps, caller: Caller, person: Person, signed: SignedIdentityCheck) -> Invited:
    """Invite somebody to the caller's own organization, whose identity the caller has checked. The same NPI again,
    while not enrolled, replaces the invitation.

    Raises problem 403 `administrator-only`, 409 `npi-taken` or `name-looks-alike`, 422 `invalid-identity-check`.
    """
    with deps.database.transaction() as session:
        _check_inviting(session, caller)
    invitee = identity.Invitee(caller.organization, person.role, _named(person.name), person.npi)
    said = identity.checked(deps, caller, invitee, signed)  # outside any transaction, as an enrolment
    try:
        with deps.database.transaction() as session:
            _check_inviting(session, caller)
            invited = _invite(deps, session, caller.organization, person)
            identity.keep(deps, session, invited.practitioner, said, signed)
    except IntegrityError:
        raise _npi_taken() from None
    return invited


def _check_inviting(session: Session, caller: Caller) -> None:
    if not administers(acting(session, caller), caller.organization):
        raise administrator_only()


def _invite(deps: Deps, session: Session, organization: UUID, person: Person) -> Invited:
    row = _account(deps, session, organization, person)
    secret = secrets.token_urlsafe(invitations.SECRET_BYTES)
    expires_at = deps.clock.now() + invitations.VALID_FOR
    session.merge(
        Invitation(
            practitioner_id=row.id,
            secret_sha256=invitations.secret_digest(secret),
            expires_at=expires_at,
            used_at=None,
        )
    )
    return Invited(row.id, invitations.code(deps.settings.base_url, row.id, secret), expires_at)


def _account(deps: Deps, session: Session, organization: UUID, person: Person) -> Practitioner:
    """A new account, or the one with this NPI that waits for its owner."""
    look_alikes.check_alphabets(person.name)
    row = _with_npi(session, organization, person.npi)
    if not person.look_alike:
        look_alikes.check_looks(session, row.id if row else None, organization, person.name)
    if row is None:
        row = Practitioner(id=uuid4(), organization_id=organization, npi=person.npi, created_at=deps.clock.now())
        session.add(row)
    elif row.status != Status.INVITED:
        raise _npi_taken()
    row.role, row.status, row.taxonomy = person.role, Status.INVITED, person.taxonomy
    row.name, row.folded, row.skeleton = _named(person.name), folded(person.name), skeleton_of(person.name)
    session.flush()
    return row


def _with_npi(session: Session, organization: UUID, npi: str | None) -> Practitioner | None:
    if npi is None:
        return None
    same = select(Practitioner).where(Practitioner.organization_id == organization, Practitioner.npi == npi)
    return session.scalars(same.with_for_update(of=Practitioner)).one_or_none()


def enrol(deps: Deps, practitioner: UUID, secret: str, signed: SignedEntry) -> Practitioner:
    """Use an invitation: record the first key entry, and the account is active. The same entry again changes nothing.

    Raises problem 403 `invitation-refused` or those of `single_sign_on_admission.admit`, 409 `already-enrolled` or
    `key-entry-conflict`, 422 `invalid-key-entry`.
    """
    if (enrolled := _opened(deps, practitioner, secret, signed)) is not None:
        return enrolled
    entry = keys.checked(practitioner, [], signed)  # some milliseconds of ML-DSA: outside any transaction
    try:
        with deps.database.transaction() as session:
            row = _use(deps, session, practitioner, secret)
            _activate(deps, session, row, entry, signed)
    except IntegrityError:
        raise keys.taken() from None
    deps.changed()
    return row


def _opened(deps: Deps, practitioner: UUID, secret: str, signed: SignedEntry) -> Practitioner | None:
    """Whether the secret opens this invitation: None to go on, the account when this very entry enrolled it before."""
    with deps.database.transaction() as session:
        known = _secret_opens(session, practitioner, secret)
        first = session.get(KeyEntryRow, (practitioner, 1))
        # The answer to an enrolment may get lost: whoever repeats it, word for word, is told again.
        if first is not None and SignedEntry(first.entry, first.signature) == signed:
            return session.get_one(Practitioner, practitioner)
        if not invitations.is_good(known, deps.clock.now()):
            raise _refused()
    return None


def check_invitation(deps: Deps, practitioner: UUID, secret: str) -> None:
    """Whether this invitation can still be used. Raises problem 403 `invitation-refused`."""
    with deps.database.transaction() as session:
        if not invitations.is_good(_secret_opens(session, practitioner, secret), deps.clock.now()):
            raise _refused()


def _secret_opens(session: Session, practitioner: UUID, secret: str) -> invitations.Invitation:
    row = session.get(Invitation, practitioner)
    known = None
    if row is not None:
        known = invitations.Invitation(row.secret_sha256, row.expires_at, row.used_at is not None)
    if not invitations.opens(known, secret) or known is None:
        raise _refused()
    return known


def _use(deps: Deps, session: Session, practitioner: UUID, secret: str) -> Practitioner:
    """Take the invitation, once. Raises problem 409 when somebody was faster, 403 when who invited counts no more."""
    # The account before its invitation, as whoever invites the same person again does.
    row = session.get_one(Practitioner, practitioner, with_for_update={"of": Practitioner})
    unused = update(Invitation).where(
        Invitation.practitioner_id == practitioner,
        Invitation.used_at.is_(None),
        Invitation.secret_sha256 == invitations.secret_digest(secret),
    )
    taken = session.execute(unused.values(used_at=deps.clock.now()))
    if cast(CursorResult[Any], taken).rowcount != 1:
        raise Problem(409, "already-enrolled", "Already enrolled", "This invitation was used a moment ago.")
    if not identity.still_counts(session, practitioner):
        raise _refused()
    return row


def _activate(deps: Deps, session: Session, row: Practitioner, entry: KeyEntry, signed: SignedEntry) -> None:
    single_sign_on_admission.admit(deps, session, row, signed.digest)
    row.status = Status.ACTIVE
    row.standing_epoch, row.standing_seq = Number.of(events.practitioner_registered(deps.feed, session, row))
    listings.of_account(session, deps, row)
    keys.record(deps, session, entry, signed)


def _named(name: str) -> str:
    """A name as it is kept: one space between its words."""
    kept = " ".join(name.split())
    if not kept or len(kept) > MAX_NAME or not kept.isprintable():
        raise invalid_field("name", f"must be 1 to {MAX_NAME} visible characters")
    return kept


def _refused() -> Problem:
    detail = (
        "The invitation is unknown, used or expired, or who invited is suspended, or their device revoked. "
        "Ask the administrator of your organization for a new one."
    )
    return Problem(403, "invitation-refused", "Invitation not accepted", detail)


def _npi_taken() -> Problem:
    detail = "Somebody with this NPI is enrolled in your organization already."
    return Problem(409, "npi-taken", "NPI in use", detail, field="npi")
