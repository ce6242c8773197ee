"""All lost: a recovery case from its opening to the moment when its delay begins.

Owns who may open, enter, attest and refuse, and what the key log is told. Refuses an administrator who acts for
themselves or twice, a second set of keys in one case, and any act on a case that is too old or that the account's
history has overtaken. The delay and the end of it are
`recovery_completion.py`'s.

A case gives nobody access: it ends in a key entry that everybody sees, announced before, attested by two.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from concord_formats.key_entries import EntryKind, SignedEntry, read_entry
from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import not_found

from .. import keys
from ..deps import Deps, acting
from ..models import Device, Practitioner, RecoveryCase
from ..rules import recovery_cases as rules
from ..rules.invitations import secret_digest
from ..rules.people import administers
from ..rules.recovery_cases import Ending, State
from . import case_problems as refused
from .recovery_attestations import vouching
from .recovery_standing import check_live, end, live, locked, opened_with, settle

# A case is looked at while it lives and for a month after; an organization has one in years.
SHOWN_FOR = timedelta(days=30)
MOST_SHOWN = 50


@dataclass(frozen=True)
class Opened:
    """A case as it is shown once, to the administrator who opened it."""

    case: UUID
    code: str
    expires_at: datetime


def open_case(deps: Deps, caller: Caller, practitioner: UUID) -> Opened:
    """Open a case for somebody of the caller's organization who has no device left.

    Raises problem 403 `administrator-only` or `account-suspended`, 404, 409 `not-yourself`, `not-enrolled` or
    `recovery-case-open`.
    """
    for old in live(deps, practitioner):
        settle(deps, old)
    secret = secrets.token_urlsafe(rules.SECRET_BYTES)
    now = deps.clock.now()
    row = RecoveryCase(
        id=uuid4(),
        practitioner_id=practitioner,
        secret_sha256=secret_digest(secret),
        state=State.OPENED,
        opened_at=now,
        expires_at=now + rules.OPEN_FOR,
        waited_seconds=0.0,
    )
    try:
        with deps.database.transaction() as session:
            row.opened_by = vouching(session, caller, practitioner).id
            session.add(row)
    except IntegrityError:
        raise refused.one_is_open() from None
    return Opened(row.id, rules.code(deps.settings.base_url, row.id, practitioner, secret), row.expires_at)


def opened(deps: Deps, case: UUID, secret: str) -> tuple[RecoveryCase, list[SignedEntry]]:
    """A case by its secret, and the history that the new keys go on from.

    Raises problem 403 `case-code-refused`, 409 `recovery-case-stopped` or `recovery-case-overtaken`.
    """
    row = opened_with(deps, case, secret)
    return row, keys.history(deps, row.practitioner_id)


def enter(deps: Deps, case: UUID, secret: str, signed: SignedEntry) -> RecoveryCase:
    """New keys for the account: their entry waits. The same entry again changes nothing.

    Raises the problems of `opened`, and 409 `recovery-entry-taken` or `key-entry-conflict`, 422 `invalid-key-entry`.
    """
    row, history = opened(deps, case, secret)
    if not _is(row, signed):
        if row.state != State.OPENED:
            raise refused.entry_taken()
        _check_entry(row.practitioner_id, history, signed)
        with deps.database.transaction() as session:
            row = locked(session, case)
            _wait(session, row, signed)
    return row


def _is(row: RecoveryCase, signed: SignedEntry) -> bool:
    return (row.entry, row.signature) == (signed.entry, signed.signature)


def _check_entry(practitioner: UUID, history: Sequence[SignedEntry], signed: SignedEntry) -> None:
    """Some milliseconds of ML-DSA: outside any transaction."""
    entry = keys.checked(practitioner, history, signed)
    if entry.kind is not EntryKind.RECOVERED:
        raise keys.invalid_entry("a recovery case takes an entry of kind recovered")


def _wait(session: Session, row: RecoveryCase, signed: SignedEntry) -> None:
    if _is(row, signed):
        return
    check_live(row)
    if row.state != State.OPENED:
        raise refused.entry_taken()
    entry = read_entry(signed)
    if session.get(Device, entry.devices[0].id) is not None:
        raise keys.taken()
    row.state, row.entry, row.signature = State.ENTERED, signed.entry, signed.signature
    row.entry_sha256, row.entry_n = signed.digest, entry.n


def cases(deps: Deps, caller: Caller) -> Sequence[RecoveryCase]:
    """The cases that the caller may see: of their organization for an administrator, else their own; newest first."""
    with deps.database.transaction() as session:
        going_on = _visible(session, caller).where(RecoveryCase.state.in_(rules.LIVE))
        old = [row.id for row in session.scalars(going_on)]
    for each in old:
        settle(deps, each)
    recent = or_(RecoveryCase.ended_at.is_(None), RecoveryCase.ended_at > deps.clock.now() - SHOWN_FOR)
    with deps.database.transaction() as session:
        query = _visible(session, caller).where(recent).order_by(RecoveryCase.opened_at.desc())
        rows = session.scalars(query.limit(MOST_SHOWN)).all()
        for row in rows:
            _ = row.attestations  # read while the transaction is open
    return rows


def _visible(session: Session, caller: Caller) -> Select[RecoveryCase]:
    member = acting(session, caller)
    seen = RecoveryCase.practitioner_id == member.id
    if administers(member, member.organization):
        seen = Practitioner.organization_id == member.organization
    return select(RecoveryCase).join(RecoveryCase.person).where(seen)


def refuse(deps: Deps, caller: Caller, case: UUID) -> RecoveryCase:
    """Stop a case: its owner from any device in force, or an administrator. Again: changes nothing.

    Raises problem 404, 409 `recovery-case-over` for one that is completed.
    """
    settle(deps, case)
    with deps.database.transaction() as session:
        member = acting(session, caller)
        row = locked(session, case)
        if not rules.may_refuse(member, row.practitioner_id, row.person.organization_id):
            raise not_found("case")
        if row.state == State.COMPLETED:
            raise refused.over()
        if row.state in rules.LIVE:
            row.ended_by = member.id
            end(deps, session, row, State.REFUSED, Ending.OBJECTED)
    return row
