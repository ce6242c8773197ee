"""Delegations: who lets which colleague send letters in their name, and that it was taken back.

Owns the record of what was signed. Refuses a word that the delegator's own device did not sign, a delegate of another
organization, and one that comes back: a revoked delegation stays revoked, whoever sends its line again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.delegations import Delegation, DelegationError, SignedDelegation, read_delegation
from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.feed import Number
from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import Problem, invalid_field, not_found

from .. import devices, events, own_word
from ..deps import Deps, acting, colleague
from ..models import DelegationRow, FeedEvent
from ..rules import delegations as rules
from ..rules.delegations import DelegationStatus
from ..rules.people import administers
from ..standing import Stopped, settled


@dataclass(frozen=True)
class Shown:
    """A delegation, and since when its revocation holds everywhere: None while it does not."""

    delegation: DelegationRow
    effective_at: datetime | None


@dataclass(frozen=True)
class WantedDelegations:
    """Whose to look for; every member given must match."""

    delegator: UUID | None = None
    delegate: UUID | None = None


def give(deps: Deps, caller: Caller, signed: SignedDelegation) -> Shown:
    """Record the caller's own word. The same line again changes nothing.

    Raises problem 403, 404, 409 `not-a-colleague`, `delegation-known` or `too-many-delegations`, 422
    `invalid-delegation`.
    """
    said = _checked(deps, caller, signed)
    try:
        with deps.database.transaction() as session:
            devices.acting_until_the_end(session, caller)
            devices.lock_account(session, caller.practitioner)
            row = _known(session, said, signed) or _record(deps, session, caller, said, signed)
    except IntegrityError:  # somebody else's word has this id
        raise _taken() from None
    deps.changed()
    return Shown(row, None)


def _checked(deps: Deps, caller: Caller, signed: SignedDelegation) -> Delegation:
    """What is said, and the signature of the very device that sends it; milliseconds of ML-DSA outside of any
    transaction.
    """
    key = own_word.signing_key(deps, caller)
    if key is None:
        raise _invalid("it must be signed by the device that sends it")
    try:
        said = read_delegation(signed, key)
    except DelegationError as error:
        raise _invalid(str(error)) from None
    if wrong := rules.why_not(said, caller.practitioner, caller.device, deps.clock.now()):
        raise _invalid(wrong)
    return said


def _known(session: Session, said: Delegation, signed: SignedDelegation) -> DelegationRow | None:
    """The same word, which came before. Raises problem 409 for another one of this id, or one that was revoked."""
    row = session.get(DelegationRow, said.delegation)
    if row is not None and (row.line != signed.line or row.status != DelegationStatus.ACTIVE):
        raise _taken()
    return row


def _record(deps: Deps, session: Session, caller: Caller, said: Delegation, signed: SignedDelegation) -> DelegationRow:
    member = acting(session, caller)
    colleague(session, said.delegate, member.organization)
    _check_room(session, member.id, deps.clock.now())
    row = DelegationRow(
        id=said.delegation,
        organization_id=member.organization,
        delegator_id=member.id,
        delegate_id=said.delegate,
        line=signed.line,
        signature=signed.signature,
        valid_until=said.valid_until,
        status=DelegationStatus.ACTIVE,
        given_at=deps.clock.now(),
    )
    session.add(row)
    events.delegation_given(deps.feed, session, said)
    return row


def _check_room(session: Session, delegator: UUID, now: datetime) -> None:
    theirs = (DelegationRow.delegator_id == delegator, DelegationRow.status == DelegationStatus.ACTIVE)
    count = session.scalar(select(func.count()).where(*theirs, DelegationRow.valid_until > now)) or 0
    if count >= rules.MOST_GIVEN:
        detail = f"You have given {rules.MOST_GIVEN} delegations that still hold. Revoke one first."
        raise Problem(409, "too-many-delegations", "Too many delegations", detail)


def find(
    deps: Deps, caller: Caller, wanted: WantedDelegations, cursor: str | None, limit: int
) -> tuple[Sequence[Shown], str | None]:
    """One page of those that the caller gave or got, for an administrator of their organization's; the newest first.

    Raises problem 422 for a cursor that is none.
    """
    row = DelegationRow
    with deps.database.transaction() as session:
        query = _visible(session, caller)
        if wanted.delegator is not None:
            query = query.where(row.delegator_id == wanted.delegator)
        if wanted.delegate is not None:
            query = query.where(row.delegate_id == wanted.delegate)
        if cursor is not None:
            query = query.where(tuple_(row.given_at, row.id) < _position(cursor))
        found = session.execute(query.order_by(row.given_at.desc(), row.id.desc()).limit(limit + 1)).all()
    page = [Shown(*each) for each in found[:limit]]
    last = page[-1].delegation if len(found) > limit else None
    return page, encode_cursor([last.given_at.isoformat(), str(last.id)]) if last else None


def show(deps: Deps, delegation: UUID) -> Shown:
    """One delegation, whoever asks: a recipient sees whether it still stands. Raises problem 404."""
    with deps.database.transaction() as session:
        found = session.execute(_all().where(DelegationRow.id == delegation)).one_or_none()
    if found is None:
        raise not_found("delegation")
    return Shown(*found)


def revoke(deps: Deps, caller: Caller, delegation: UUID) -> Stopped:
    """Take it back: nothing is released by it any more. Again: waits again, changes nothing.

    Raises problem 403 `not-yours`, 404.
    """
    with deps.database.transaction() as session:
        member = acting(session, caller)
        row = session.get(DelegationRow, delegation, with_for_update=True)
        if row is None:
            raise not_found("delegation")
        if not rules.may_revoke(member, row.delegator_id, row.delegate_id, row.organization_id):
            detail = "A delegation is revoked by either of the two, or by an administrator of their organization."
            raise Problem(403, "not-yours", "Not yours to revoke", detail)
        if row.status == DelegationStatus.ACTIVE:
            row.status = DelegationStatus.REVOKED
            row.standing_epoch, row.standing_seq = Number.of(events.delegation_revoked(deps.feed, session, row.id))
        number = Number.known(row.standing_epoch, row.standing_seq)
    deps.changed()
    return settled(deps, number)


def _all() -> Select[DelegationRow, datetime | None]:
    """Every delegation, with the moment since which its revocation holds everywhere."""
    same = and_(FeedEvent.epoch == DelegationRow.standing_epoch, FeedEvent.seq == DelegationRow.standing_seq)
    return select(DelegationRow, FeedEvent.effective_at).outerjoin(FeedEvent, same)


def _visible(session: Session, caller: Caller) -> Select[DelegationRow, datetime | None]:
    member = acting(session, caller)
    seen = or_(DelegationRow.delegator_id == member.id, DelegationRow.delegate_id == member.id)
    if administers(member, member.organization):
        seen = or_(seen, DelegationRow.organization_id == member.organization)
    return _all().where(seen)


def _position(cursor: str) -> tuple[datetime, UUID]:
    given_at, id_ = decode_cursor(cursor, (str, str))
    try:
        moment = datetime.fromisoformat(str(given_at))
        if moment.tzinfo is None or not 1970 <= moment.year <= 9000:
            raise ValueError("not a moment of ours")
        return moment, UUID(str(id_))
    except ValueError:
        raise invalid_field("cursor", "use the `next` of the page before, unchanged") from None


def _invalid(why: str) -> Problem:
    detail = f"{why[:1].upper()}{why[1:]}."
    return Problem(422, "invalid-delegation", "Delegation not accepted", detail, field="line")


def _taken() -> Problem:
    detail = "A delegation with this id is recorded already, or was revoked. Sign a new one, with an id of its own."
    return Problem(409, "delegation-known", "Delegation known already", detail)
