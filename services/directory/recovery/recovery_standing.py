"""Where a recovery case stands: the count of its delay, and how it ends without new keys.

Owns what every act on a case asks first, and the leaves of the key log by which everybody sees a step. Refuses to
shorten the delay: neither a clock that jumps nor a time in which the owner could not object counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from concord_formats.key_log import BindingKind
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.problems import not_found

from .. import key_log
from ..deps import Deps
from ..models import Device, KeyEntryRow, Practitioner, RecoveryAttestation, RecoveryCase
from ..rules import invitations
from ..rules import recovery_cases as rules
from ..rules.people import DeviceStatus, Role, Status
from ..rules.recovery_cases import Ending, State
from . import case_problems as refused


def delay(deps: Deps) -> timedelta:
    """How long an announced recovery waits."""
    return timedelta(hours=deps.settings.recovery_delay_hours)


def live(deps: Deps, practitioner: UUID | None = None) -> Sequence[UUID]:
    """The cases that go on, of one account or of all."""
    query = select(RecoveryCase.id).where(RecoveryCase.state.in_(rules.LIVE))
    if practitioner is not None:
        query = query.where(RecoveryCase.practitioner_id == practitioner)
    with deps.database.transaction() as session:
        return session.scalars(query).all()


def count_all(deps: Deps) -> None:
    """What the worker does each minute."""
    for case in live(deps):
        settle(deps, case)


def settle(deps: Deps, case: UUID) -> None:
    """Count the delay; end a live case that is too old or that the history has overtaken, and tell the log."""
    with deps.database.transaction() as session:
        row = session.get(RecoveryCase, case, with_for_update={"of": RecoveryCase})
        if row is None or row.state not in rules.LIVE:
            return
        now = deps.clock.now()
        if rules.is_over(State(row.state), row.expires_at, now):
            end(deps, session, row, State.EXPIRED, None)
        elif row.entry_n is not None and _entries(session, row.practitioner_id) != row.entry_n - 1:
            end(deps, session, row, State.REFUSED, Ending.OVERTAKEN)
        elif row.counted_at is not None:
            in_force = row.person.status == Status.ACTIVE
            row.waited_seconds, row.counted_at = rules.counted(
                row.waited_seconds, row.counted_at, now, in_force=in_force
            )


def _entries(session: Session, practitioner: UUID) -> int:
    """How many entries the history has: it is only ever added to, so that this tells whether another one follows."""
    count = select(func.count()).select_from(KeyEntryRow).where(KeyEntryRow.practitioner_id == practitioner)
    return session.scalar(count) or 0


def end(deps: Deps, session: Session, row: RecoveryCase, state: State, ending: Ending | None) -> None:
    """End a live case without new keys; one that was announced is taken back as conspicuously."""
    announced = row.state == State.ANNOUNCED
    row.state, row.ending, row.ended_at = state, ending, deps.clock.now()
    session.flush()
    if announced:
        told(deps, session, row, BindingKind.RECOVERY_REFUSED)


def locked(session: Session, case: UUID) -> RecoveryCase:
    """A case, locked until the transaction ends. Raises problem 404."""
    row = session.get(RecoveryCase, case, with_for_update={"of": RecoveryCase}, populate_existing=True)
    if row is None:
        raise not_found("case")
    _ = row.attestations
    return row


def opened_with(deps: Deps, case: UUID, secret: str) -> RecoveryCase:
    """The case that a secret opens, as it stands now.

    Raises problem 403 `case-code-refused`, 409 `recovery-case-stopped` or `recovery-case-overtaken`.
    """
    settle(deps, case)
    with deps.database.transaction() as session:
        row = session.get(RecoveryCase, case)
        known = invitations.Invitation(row.secret_sha256, row.expires_at, used=False) if row else None
        if not invitations.opens(known, secret) or row is None or row.state == State.EXPIRED:
            raise refused.code()
        _ = row.attestations
        if row.state != State.COMPLETED:
            check_live(row)
    return row


def check_live(row: RecoveryCase) -> None:
    """Raises the problem that says how the case ended, unless it goes on."""
    if row.state == State.REFUSED:
        raise refused.overtaken() if row.ending == Ending.OVERTAKEN else refused.stopped()
    if row.state not in rules.LIVE:
        raise refused.over()


def still_counts(session: Session, attestation: RecoveryAttestation, person: Practitioner) -> bool:
    """Whether an attestor is still an administrator in force, and the device that signed not revoked meanwhile."""
    device = session.get_one(Device, attestation.device_id)
    attestor = session.get_one(Practitioner, attestation.attestor_id)
    in_force = device.status == DeviceStatus.ACTIVE and attestor.status == Status.ACTIVE
    return in_force and attestor.role == Role.ADMINISTRATOR and attestor.organization_id == person.organization_id


def told(deps: Deps, session: Session, row: RecoveryCase, kind: BindingKind) -> None:
    """Append the leaf by which everybody sees the step; the last act of a transaction."""
    assert row.entry_n is not None and row.entry_sha256 is not None  # noqa: S101 - an announced case has them
    announced = kind is BindingKind.RECOVERY_ANNOUNCED
    key_log.record(
        deps,
        session,
        account=row.practitioner_id,
        n=row.entry_n,
        kind=kind,
        entry_digest=row.entry_sha256,
        at=deps.clock.now(),
        person=row.person,
        effective_from=row.effective_from if announced else None,
        attestations=[each.sha256 for each in row.attestations] if announced else None,
    )
