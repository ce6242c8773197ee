"""What a completed sign-on is good for: one key entry, of the person who enrolled the account.

Owns who an account is at its organization's provider. Refuses a key entry that adds a device without a session of its
own, a session twice, and one person for two accounts of an organization.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from services.chassis.problems import Problem

from ..deps import Deps
from ..models import Practitioner, SignOnSession, SignOnSubject
from ..rules.single_sign_on import State
from .single_sign_on_requirement import provider_of


def admit(deps: Deps, session: Session, person: Practitioner, entry_sha256: str) -> None:
    """Let a key entry in that adds a device, in the caller's transaction, and use the session up that stands behind it.

    Raises problem 403 `single-sign-on-required` or `single-sign-on-other-person`.
    """
    provider = provider_of(session, person.organization_id)
    if provider is None:
        return
    done = select(SignOnSession).where(
        SignOnSession.practitioner_id == person.id,
        SignOnSession.entry_sha256 == entry_sha256,
        SignOnSession.state == State.DONE,
        SignOnSession.issuer == provider.issuer,
        SignOnSession.expires_at > deps.clock.now(),
    )
    row = session.scalars(done.limit(1).with_for_update()).first()
    if row is None or row.subject is None:
        raise _required()
    if not may_be(session, row, row.subject):
        raise _other_person()
    row.state = State.USED
    _know(deps, session, person, row)


def may_be(session: Session, row: SignOnSession, subject: str) -> bool:
    """Whether this subject may be this account: the one that enrolled it, and no other account's.

    An account that came in before its organization required single sign-on, or under another provider, is known from
    its first sign-on.
    """
    person = session.get_one(Practitioner, row.practitioner_id)
    known = session.get(SignOnSubject, person.id)
    if known is not None and known.issuer == row.issuer:
        return known.subject == subject
    same = (SignOnSubject.organization_id == person.organization_id, SignOnSubject.issuer == row.issuer)
    return session.scalars(select(SignOnSubject).where(*same, SignOnSubject.subject == subject)).first() is None


def _know(deps: Deps, session: Session, person: Practitioner, row: SignOnSession) -> None:
    known = session.get(SignOnSubject, person.id)
    if known is not None and (known.issuer, known.subject) == (row.issuer, row.subject):
        return
    session.merge(
        SignOnSubject(
            practitioner_id=person.id,
            organization_id=person.organization_id,
            issuer=row.issuer,
            subject=row.subject,
            known_since=deps.clock.now(),
        )
    )
    session.flush()


def forget(deps: Deps, practitioner: UUID) -> bool:
    """Know no more who an account is at its provider: the next sign-on says so anew. Whether it was known."""
    with deps.database.transaction() as session:
        done = session.execute(delete(SignOnSubject).where(SignOnSubject.practitioner_id == practitioner))
    return cast(CursorResult[Any], done).rowcount == 1


def _required() -> Problem:
    detail = "This organization wants a new device to be confirmed by single sign-on. Sign on for this key entry first."
    return Problem(403, "single-sign-on-required", "Single sign-on required", detail)


def _other_person() -> Problem:
    detail = "Whoever signed on is another person than this account's. Sign on as yourself, or ask your administrator."
    return Problem(403, "single-sign-on-other-person", "Another person signed on", detail)
