"""Transfers: what one device of an account leaves for another one, sealed to it.

Owns one place for each device: a later transfer takes the place of the one before. Refuses a device that is revoked,
or of somebody else.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy.dialects import postgresql, sqlite

from services.chassis.auth import Caller
from services.chassis.problems import not_found

from .deps import Deps, acting
from .devices import acting_until_the_end
from .models import Device, Transfer
from .rules.people import DeviceStatus


def leave(deps: Deps, caller: Caller, target: UUID, transfer: bytes) -> None:
    """Leave a transfer for a device of the caller's own account. Raises problem 404 unless that one is in force."""
    with deps.database.transaction() as session:
        # Shared, and in the order of the ids: neither two devices that leave something for each other, nor this and a
        # recovery that stops all of them, wait in a circle.
        for each in sorted({caller.device, target}):
            session.get(Device, each, with_for_update={"read": True, "of": Device})
        acting(session, caller)
        device = session.get(Device, target)
        mine = device is not None and device.practitioner_id == caller.practitioner
        if device is None or not mine or device.status != DeviceStatus.ACTIVE:
            raise not_found("device")
        insert = postgresql.insert if deps.database.is_postgresql else sqlite.insert
        given = {"transfer": transfer, "stored_at": deps.clock.now()}
        statement = insert(Transfer).values(device_id=target, **given)
        session.execute(statement.on_conflict_do_update(index_elements=[Transfer.device_id], set_=given))


def waiting(deps: Deps, caller: Caller) -> Transfer | None:
    """What was left for the caller's device. Raises the problems of `acting`."""
    with deps.database.transaction() as session:
        acting(session, caller)
        return session.get(Transfer, caller.device)


def taken(deps: Deps, caller: Caller, digest: str | None) -> None:
    """What was left for the caller's device is not needed any more; again changes nothing.

    With `digest` (SHA-256 of the transfer that was read) a later one stays. Raises the problems of `acting`.
    """
    with deps.database.transaction() as session:
        acting_until_the_end(session, caller)
        row = session.get(Transfer, caller.device, with_for_update=True)
        if row is not None and digest in (None, hashlib.sha256(row.transfer).hexdigest()):
            session.delete(row)
