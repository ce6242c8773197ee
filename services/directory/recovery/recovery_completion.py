"""The end of a recovery case: new keys in the place of the lost ones.

Owns the entry that replaces an identity, and who attested to it afterwards. Refuses it before the delay is over, and
when an administrator's word no longer counts. The entry and the revocation of every old device are one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.attestations import SignedAttestation
from concord_formats.key_entries import KeyEntry, SignedEntry
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import keys
from ..deps import Deps
from ..models import Backup, Device, Practitioner, RecoveryCase
from ..openid import single_sign_on_admission
from ..rules import recovery_cases as rules
from ..rules.people import DeviceStatus, Status
from ..rules.recovery_cases import State
from ..standing import Stopped, await_device
from . import case_problems as refused
from .recovery_standing import check_live, delay, locked, opened_with, still_counts


@dataclass(frozen=True)
class Completed:
    """A case and, once its entry is recorded, whether every old device is stopped everywhere."""

    case: RecoveryCase
    effective_from: datetime | None
    stopped: Stopped | None


def complete(deps: Deps, case: UUID, secret: str) -> Completed:
    """Record the waiting entry, once its delay is over, and stop every old device; again: waits again.

    Before that nothing is changed, and `stopped` is None. Raises problem 403 `case-code-refused` or
    `account-suspended`, 409 `recovery-case-stopped`, `recovery-case-overtaken` or `attestation-lapsed`.
    """
    row = opened_with(deps, case, secret)
    if row.state == State.ANNOUNCED:
        due = _due(deps, row)
        if due > deps.clock.now():
            return Completed(row, due, None)
        row = _replace(deps, row)
    if row.state != State.COMPLETED:
        return Completed(row, None, None)
    return Completed(row, row.effective_from, _old_devices(deps, row.practitioner_id))


def _due(deps: Deps, row: RecoveryCase) -> datetime:
    now = deps.clock.now()
    assert row.effective_from is not None  # noqa: S101 - an announced case has it
    return now + rules.remaining(row.waited_seconds, delay(deps), row.effective_from, now)


def _replace(deps: Deps, row: RecoveryCase) -> RecoveryCase:
    assert row.entry is not None and row.signature is not None  # noqa: S101 - an announced case has them
    signed = SignedEntry(row.entry, row.signature)
    try:
        # Some milliseconds of ML-DSA: outside any transaction.
        entry = keys.checked(row.practitioner_id, keys.history(deps, row.practitioner_id), signed)
        with deps.database.transaction() as session:
            now = locked(session, row.id)
            if now.state != State.COMPLETED:
                check_live(now)
                _record(deps, session, now, entry, signed)
    except IntegrityError:
        raise keys.taken() from None  # another entry came first: the next count ends the case
    deps.changed()
    return now


def _record(deps: Deps, session: Session, row: RecoveryCase, entry: KeyEntry, signed: SignedEntry) -> None:
    # Devices, then the account, then the rest: in this order others lock them, who put a backup or revoke a device.
    old = select(Device.id).where(Device.practitioner_id == row.practitioner_id).order_by(Device.id)
    session.execute(old.with_for_update())
    person = session.get_one(Practitioner, row.practitioner_id, with_for_update={"of": Practitioner})
    if person.status != Status.ACTIVE:
        raise refused.suspended()
    if not all(still_counts(session, each, person) for each in row.attestations):
        raise refused.lapsed()
    single_sign_on_admission.admit(deps, session, person, signed.digest)
    row.state, row.ended_at = State.COMPLETED, deps.clock.now()
    # What a lost sheet of paper still opens is not left here; transfers and pairings go with the old devices.
    session.execute(delete(Backup).where(Backup.practitioner_id == person.id))
    keys.record(deps, session, entry, signed, [each.sha256 for each in row.attestations])


def _old_devices(deps: Deps, practitioner: UUID) -> Stopped:
    """Wait for the last revocation of the account's: whoever has applied that has applied those before it."""
    gone = (Device.practitioner_id == practitioner, Device.status == DeviceStatus.REVOKED)
    last = select(Device.id).where(*gone, Device.standing_seq.is_not(None)).order_by(Device.standing_seq.desc())
    with deps.database.transaction() as session:
        device = session.scalars(last.limit(1)).first()
    return await_device(deps, device) if device else Stopped(deps.clock.now())


def attestations(deps: Deps, practitioner: UUID) -> dict[int, list[SignedAttestation]]:
    """Who attested to each recovered entry of a history: two signed lines, by the entry's number."""
    done = (RecoveryCase.practitioner_id == practitioner, RecoveryCase.state == State.COMPLETED)
    with deps.database.transaction() as session:
        rows = session.scalars(select(RecoveryCase).where(*done)).all()
        return {
            row.entry_n: [SignedAttestation(each.line, each.signature) for each in row.attestations]
            for row in rows
            if row.entry_n is not None
        }
