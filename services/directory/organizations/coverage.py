"""Coverage: who is away until when, and which colleague covers meanwhile.

Owns the record, one a person. Refuses any right that would come of it: whoever covers reads only what is sent to them.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import Problem, invalid_field, not_found

from ..deps import Deps, acting
from ..models import Coverage, Practitioner
from ..rules import coverage as rules
from ..rules.people import Status


def put(
    deps: Deps, caller: Caller, practitioner: UUID, covering: UUID, starts_at: datetime, ends_at: datetime
) -> Coverage:
    """Say who covers for somebody; it takes the place of what was said before.

    Raises problem 403 `not-yours`, 404, 422 that names the member that is wrong.
    """
    if wrong := rules.why_not(starts_at, ends_at, deps.clock.now()):
        raise invalid_field(wrong.field, wrong.mend)
    with deps.database.transaction() as session:
        _theirs(session, caller, practitioner)
        colleague = _covering(session, practitioner, covering)
        row = session.get(Coverage, practitioner) or Coverage(practitioner_id=practitioner)
        row.covering, row.starts_at, row.ends_at = colleague, starts_at, ends_at
        session.add(row)
    return row


def of(deps: Deps, practitioner: UUID) -> Coverage:
    """Who covers for somebody, now or soon. Raises problem 404 when nobody said so, or it is over."""
    with deps.database.transaction() as session:
        row = session.get(Coverage, practitioner)
    if row is None or row.ends_at <= deps.clock.now():
        raise not_found("coverage")
    return row


def clear(deps: Deps, caller: Caller, practitioner: UUID) -> None:
    """Nobody covers any more, or nobody did. Raises problem 403 `not-yours`, 404."""
    with deps.database.transaction() as session:
        _theirs(session, caller, practitioner)
        session.execute(delete(Coverage).where(Coverage.practitioner_id == practitioner))


def forget_ended(session: Session, now: datetime) -> None:
    """Remove what is over."""
    session.execute(delete(Coverage).where(Coverage.ends_at <= now))


def _theirs(session: Session, caller: Caller, practitioner: UUID) -> None:
    """The absence of this account is the caller's to tell; one change of it at a time."""
    member = acting(session, caller)
    person = session.get(Practitioner, practitioner, with_for_update={"key_share": True, "of": Practitioner})
    if person is None:
        raise not_found("practitioner")
    if not rules.may_say(member, person.id, person.organization_id):
        detail = "Who is away says so themselves, or an administrator of their organization does."
        raise Problem(403, "not-yours", "Not yours to say", detail)


def _covering(session: Session, practitioner: UUID, covering: UUID) -> Practitioner:
    if covering == practitioner:
        raise invalid_field("covering", "nobody covers for themselves")
    person = session.get(Practitioner, covering)
    if person is None or person.status != Status.ACTIVE:
        raise invalid_field("covering", "must be somebody who is enrolled and not suspended")
    return person
