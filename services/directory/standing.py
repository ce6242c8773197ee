"""Stopping and letting go: suspension of accounts, revocation of devices.

Owns the change, and the wait until it holds at every enforcement point. Refuses to call something stopped before it is:
until the barrier is passed, the answer is that it is being stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.auth import Caller
from services.chassis.feed import Number
from services.chassis.problems import Problem, not_found

from . import devices, events
from .deps import Deps, acting
from .finding import listings
from .models import Device, FeedEvent, Practitioner
from .rules.people import DeviceStatus, Status, administers, may_revoke_device

# Longer than a lease and its deadline (L + M = 6 seconds), shorter than the patience of a client or a proxy.
MAX_WAIT_SECONDS = 8.0


@dataclass(frozen=True)
class Stopped:
    """A change of standing: `effective_at` is None while it does not hold everywhere yet."""

    effective_at: datetime | None


def suspend(deps: Deps, caller: Caller, practitioner: UUID) -> Stopped:
    """Stop an account: no sign-in, no release to or from it, no hand-out. Again: waits again, changes nothing.

    Raises problem 403 `administrator-only`, 404, 409 `not-enrolled` or `not-yourself`.
    """
    with deps.database.transaction() as session:
        person = _administered(session, caller, practitioner)
        if person.id == caller.practitioner:
            detail = "Nobody suspends themselves. Ask another administrator of your organization."
            raise Problem(409, "not-yourself", "Not yourself", detail)
        if person.status == Status.ACTIVE:
            person.status = Status.SUSPENDED
            event = events.practitioner_suspended(deps.feed, session, person.id)
            person.standing_epoch, person.standing_seq = Number.of(event)
            listings.of_account(session, deps, person)
        number = Number.known(person.standing_epoch, person.standing_seq)
    deps.changed()
    return settled(deps, number)


def reinstate(deps: Deps, caller: Caller, practitioner: UUID) -> None:
    """Let a suspended account work again; nothing is to be waited for. Raises the problems of `suspend`."""
    with deps.database.transaction() as session:
        person = _administered(session, caller, practitioner)
        if person.status == Status.SUSPENDED:
            person.status = Status.ACTIVE
            event = events.practitioner_reinstated(deps.feed, session, person.id)
            person.standing_epoch, person.standing_seq = Number.of(event)
            listings.of_account(session, deps, person)
    deps.changed()


def revoke_device(deps: Deps, caller: Caller, device_id: UUID) -> Stopped:
    """Stop a device at once, without the identity key: no sign-in, no hand-out. Again: waits again, changes nothing.

    Raises problem 404 for a device that does not exist or is not the caller's to stop.
    """
    with deps.database.transaction() as session:
        member = acting(session, caller)
        row = session.get(Device, device_id, with_for_update={"of": Device})
        if row is None or not may_revoke_device(member, row.practitioner_id, row.practitioner.organization_id):
            raise not_found("device")
        revoke_in_force(deps, session, row)
        number = Number.known(row.standing_epoch, row.standing_seq)
    deps.changed()
    return settled(deps, number)


def await_device(deps: Deps, device_id: UUID) -> Stopped:
    """Wait until the revocation of a device holds everywhere."""
    with deps.database.transaction() as session:
        row = session.get_one(Device, device_id)
        number = Number.known(row.standing_epoch, row.standing_seq)
    return settled(deps, number)


def revoke_in_force(deps: Deps, session: Session, row: Device) -> None:
    """Revoke a device in the caller's transaction, unless it is revoked already."""
    if row.status == DeviceStatus.ACTIVE:
        row.status = DeviceStatus.REVOKED
        row.standing_epoch, row.standing_seq = Number.of(events.device_revoked(deps.feed, session, row))
        devices.forget(session, row.id)


def _administered(session: Session, caller: Caller, practitioner: UUID) -> Practitioner:
    """The row of an enrolled account of the caller's own organization, locked."""
    member = acting(session, caller)
    person = session.get(Practitioner, practitioner, with_for_update={"of": Practitioner})
    if person is None:
        raise not_found("practitioner")
    if not administers(member, person.organization_id):
        raise administrator_only()
    if person.status == Status.INVITED:
        detail = "This person has not enrolled yet, so there is nothing to stop. An invitation expires by itself."
        raise Problem(409, "not-enrolled", "Not enrolled", detail)
    return person


def administrator_only() -> Problem:
    """The act is for an administrator of that organization."""
    detail = "Only an administrator of that organization may do this."
    return Problem(403, "administrator-only", "For administrators", detail)


def settled(deps: Deps, change: Number | None) -> Stopped:
    """Wait for the barrier, then say since when the change holds everywhere.

    Raises `DatabaseUnavailableError` when a fail-over lost the change: it has to be made again.
    """
    if change is None or not deps.barrier.await_effective(change, MAX_WAIT_SECONDS):
        return Stopped(None)
    known = (FeedEvent.epoch == change.epoch, FeedEvent.seq == change.seq)
    with deps.database.transaction() as session:
        return Stopped(session.scalar(select(FeedEvent.effective_at).where(*known)))
