"""What messaging follows of consent and of the directory: each change, and whole snapshots.

Owns the rows that the gate reads. Refuses to forget: a revocation once known stays, also when a later snapshot or
another epoch says otherwise, and a version never goes back. What a snapshot does not list any more counts for
nothing.

A change waits for every open gate that shares its row, and every gate opened after it sees it: that is the order of a
release and a revocation. Its turn is taken for it beforehand: by `take_turns`, and of all at once by a snapshot, for a
lock for each of its facts is more than PostgreSQL has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.chassis.event import Event

from . import turns
from .claims_followed import put_delegation, put_member
from .facts import grants_text, parties_text
from .models import KnownConsent, KnownDelegation, KnownDevice, KnownMember, KnownPractitioner
from .rules import Status


def take_turns(session: Session, events: Sequence[Event]) -> None:
    """Every turn that these changes need, before the first of them is made: of a consent, of a delegation, and of a
    person, which is that of their memberships too, since every gate that reads one shares the recipient's.
    """
    told = (event.data.get(name) for event in events for name in ("consent", "practitioner", "delegation"))
    turns.take_all(session, (UUID(each) for each in told if each is not None))


def consent_activated(session: Session, event: Event) -> None:
    """A version of a consent is in force, with these grants."""
    _put_consent(session, event.data)


def consent_revoked(session: Session, event: Event) -> None:
    """A consent is in force no more, in no version."""
    consent = UUID(event.data["consent"])
    row = session.get(KnownConsent, consent, with_for_update=True)
    if row is None:
        row = KnownConsent(consent=consent, version=0, status="", patient="", parties="[]", grants="[]")
        session.add(row)
    row.version = max(row.version, int(event.data["version"]))
    row.status = Status.REVOKED.value


def practitioner_changed(session: Session, event: Event) -> None:
    """A practitioner joined, or moved, or both."""
    _put_practitioner(session, event.data)


def practitioner_suspended(session: Session, event: Event) -> None:
    """A practitioner may neither send nor receive until reinstated."""
    _set_practitioner(session, event, Status.SUSPENDED)


def practitioner_reinstated(session: Session, event: Event) -> None:
    """A practitioner may send and receive again."""
    _set_practitioner(session, event, Status.ACTIVE)


def device_registered(session: Session, event: Event) -> None:
    """A device belongs to a practitioner."""
    _put_device(session, event.data | {"status": Status.ACTIVE.value})


def device_revoked(session: Session, event: Event) -> None:
    """A device may do nothing any more."""
    _put_device(session, event.data | {"status": Status.REVOKED.value})


def nothing_followed(_: Session, __: Event) -> None:
    """A fact that the gate does not ask about."""


def load_consents(session: Session, facts: Iterator[dict[str, Any]]) -> None:
    """Take over a whole snapshot of consent. Runs in the transaction that sets the position."""
    turns.take(session, turns.EVERYTHING)
    session.execute(
        update(KnownConsent)
        .where(KnownConsent.status != Status.REVOKED.value)
        .values(status=Status.UNKNOWN.value)
        .execution_options(synchronize_session=False)
    )
    for fact in facts:
        if fact["kind"] == "consent":
            _put_consent(session, fact)


def load_directory(session: Session, facts: Iterator[dict[str, Any]]) -> None:
    """Take over a whole snapshot of the directory. Runs in the transaction that sets the position."""
    turns.take(session, turns.EVERYTHING)
    session.execute(update(KnownPractitioner).values(_UNKNOWN).execution_options(**_QUIET))
    for each in (KnownDevice, KnownMember, KnownDelegation):
        standing = update(each).where(each.status != Status.REVOKED.value)
        session.execute(standing.values(_UNKNOWN).execution_options(**_QUIET))
    for fact in facts:
        if put := _PUTTERS.get(fact["kind"]):
            put(session, fact)


def _put_consent(session: Session, fact: dict[str, Any]) -> None:
    consent, version = UUID(fact["consent"]), int(fact["version"])
    status = Status(fact.get("status", Status.ACTIVE.value))
    row = session.get(KnownConsent, consent, with_for_update=True, populate_existing=True)
    if row is None:
        row = KnownConsent(consent=consent, version=version, status=status.value)
        session.add(row)
    elif row.status == Status.REVOKED.value:
        return
    elif version < row.version:
        # A restored authority may tell of an older version. It cannot bring that back, but it can revoke the consent.
        row.status = status.value if status is Status.REVOKED else row.status
        return
    row.version, row.status, row.patient = version, status.value, fact["patient"]
    row.parties, row.grants = parties_text(fact["parties"]), grants_text(fact["grants"])


def _put_practitioner(session: Session, fact: dict[str, Any]) -> None:
    row = _practitioner(session, UUID(fact["practitioner"]))
    row.organization, row.status = UUID(fact["organization"]), Status(fact["status"]).value


def _set_practitioner(session: Session, event: Event, status: Status) -> None:
    _practitioner(session, UUID(event.data["practitioner"])).status = status.value


def _practitioner(session: Session, practitioner: UUID) -> KnownPractitioner:
    row = session.get(KnownPractitioner, practitioner, with_for_update=True, populate_existing=True)
    if row is None:
        row = KnownPractitioner(practitioner=practitioner, status=Status.UNKNOWN.value)
        session.add(row)
    return row


def _put_device(session: Session, fact: dict[str, Any]) -> None:
    device, status = UUID(fact["device"]), Status(fact["status"])
    row = session.get(KnownDevice, device, with_for_update=True, populate_existing=True)
    if row is None:
        row = KnownDevice(device=device, status=status.value)
        session.add(row)
    elif row.status != Status.REVOKED.value:
        row.status = status.value
    row.practitioner = UUID(fact["practitioner"])


_PUTTERS: dict[str, Callable[[Session, dict[str, Any]], None]] = {
    "practitioner": _put_practitioner,
    "device": _put_device,
    "team-member": put_member,
    "delegation": put_delegation,
}
_UNKNOWN = {"status": Status.UNKNOWN.value}
_QUIET = {"synchronize_session": False}
