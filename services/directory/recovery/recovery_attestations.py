"""Attestations in a recovery case: two administrators of the organization vouch for the keys that wait.

Owns what an attestation must say, who may make it, and the announcement that the second one sets off. Refuses an
administrator twice or for themselves; the word of one who was suspended since, or whose device was revoked, makes room
for another's.
"""

from __future__ import annotations

from uuid import UUID

from concord_formats.attestations import AttestationError, SignedAttestation, read_attestation
from concord_formats.key_log import BindingKind
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.problems import not_found

from .. import own_word
from ..deps import Deps, acting
from ..models import Practitioner, RecoveryAttestation, RecoveryCase
from ..rules import recovery_cases as rules
from ..rules.people import Member, Status
from ..rules.recovery_cases import State
from ..standing import administrator_only
from . import case_problems as refused
from .recovery_standing import check_live, delay, locked, settle, still_counts, told


def attest(deps: Deps, caller: Caller, case: UUID, signed: SignedAttestation) -> RecoveryCase:
    """One administrator's word; with the second one the delay begins, and the log announces it.

    The same attestation again changes nothing. Raises problem 403 `administrator-only` or `account-suspended`, 404, 409
    `not-yourself`, `recovery-not-entered`, `recovery-case-stopped`, `recovery-case-overtaken`, `recovery-case-over` or
    `already-attested`, 422 `invalid-attestation`.
    """
    settle(deps, case)
    with deps.database.transaction() as session:
        row = _known(session, case)
        vouching(session, caller, row.practitioner_id)
        check_live(row)
    _check_attestation(deps, caller, row, signed)
    with deps.database.transaction() as session:
        vouching(session, caller, row.practitioner_id)
        row = locked(session, case)
        check_live(row)
        _add(deps, session, row, caller, signed)
    return row


def _add(deps: Deps, session: Session, row: RecoveryCase, caller: Caller, signed: SignedAttestation) -> None:
    if any(each.line == signed.line and each.attestor_id == caller.practitioner for each in row.attestations):
        return
    if row.state == State.ENTERED:  # who was suspended meanwhile, or lost the device, vouches for nothing
        row.attestations = [each for each in row.attestations if still_counts(session, each, row.person)]
        session.flush()
    if row.state != State.ENTERED or any(each.attestor_id == caller.practitioner for each in row.attestations):
        raise refused.already_attested()
    row.attestations.append(
        RecoveryAttestation(
            attestor_id=caller.practitioner,
            device_id=caller.device,
            line=signed.line,
            signature=signed.signature,
            sha256=signed.digest,
            received_at=deps.clock.now(),
        )
    )
    if len(row.attestations) == rules.ATTESTORS:
        _announce(deps, session, row)


def _announce(deps: Deps, session: Session, row: RecoveryCase) -> None:
    now = deps.clock.now()
    row.state, row.counted_at = State.ANNOUNCED, now
    row.effective_from = now + delay(deps)
    row.expires_at = row.effective_from + rules.COMPLETE_WITHIN
    session.flush()
    told(deps, session, row, BindingKind.RECOVERY_ANNOUNCED)


def _known(session: Session, case: UUID) -> RecoveryCase:
    row = session.get(RecoveryCase, case)
    if row is None:
        raise not_found("case")
    _ = row.attestations
    return row


def _check_attestation(deps: Deps, caller: Caller, row: RecoveryCase, signed: SignedAttestation) -> None:
    """What is said, by whom, and the signature of the very device that asks."""
    if row.entry is None:
        raise refused.not_entered()
    key = own_word.signing_key(deps, caller)
    if key is None:
        raise refused.invalid_attestation("it must be signed by the device that sends it")
    try:
        said = read_attestation(signed, key)
    except AttestationError as error:
        raise refused.invalid_attestation(str(error)) from None
    if (said.attestor, said.device) != (caller.practitioner, caller.device):
        raise refused.invalid_attestation("attestor and device must be those that send it")
    if (said.account, said.entry) != (row.practitioner_id, row.entry_sha256):
        raise refused.invalid_attestation("it is about another entry than the one that waits")
    if abs(said.at - deps.clock.now()) > rules.SKEW:
        raise refused.invalid_attestation("it is dated at another time; check the clock of this machine")


def vouching(session: Session, caller: Caller, practitioner: UUID) -> Member:
    """An administrator who acts for somebody else of their organization, who is enrolled and not suspended."""
    member = acting(session, caller)
    person = session.get(Practitioner, practitioner)
    if person is None:
        raise not_found("practitioner")
    if person.id == member.id:
        raise refused.not_yourself()
    if not rules.may_vouch(member, person.id, person.organization_id):
        raise administrator_only()
    if person.status == Status.INVITED:
        raise refused.not_enrolled()
    if person.status == Status.SUSPENDED:
        raise refused.suspended()
    return member
