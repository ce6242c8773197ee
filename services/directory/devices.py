"""The devices of an account: the list of them, and what goes with one that is revoked.

Owns the question whether a caller's device is in force for as long as an act takes. Refuses to stop a device: that is
`standing`, which calls `forget` here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.chassis.auth import Caller

from .deps import Deps, acting
from .models import Device, KeyEntryRow, Pairing, Practitioner, Transfer
from .rules.people import DeviceStatus


@dataclass(frozen=True)
class Listed:
    """One device as its owner sees it. `added_at` is when the entry that names it first was recorded."""

    id: UUID
    status: DeviceStatus
    added_at: datetime
    last_signed_in_at: datetime | None


def devices(deps: Deps, caller: Caller) -> list[Listed]:
    """Every device the caller ever had, oldest first. Raises the problems of `acting`."""
    with deps.database.transaction() as session:
        acting(session, caller)
        added = _added(session, caller.practitioner)
        mine = session.scalars(select(Device).where(Device.practitioner_id == caller.practitioner))
        rows = {row.id: row for row in mine}
    return [
        Listed(id_, DeviceStatus(rows[id_].status), added_at, rows[id_].last_signed_in_at)
        for id_, added_at in added.items()
    ]


def _added(session: Session, practitioner: UUID) -> dict[UUID, datetime]:
    """When each device came into the history, in that order. The entries were checked before they were recorded."""
    query = select(KeyEntryRow.entry, KeyEntryRow.recorded_at).where(KeyEntryRow.practitioner_id == practitioner)
    added: dict[UUID, datetime] = {}
    for entry, recorded_at in session.execute(query.order_by(KeyEntryRow.n)):
        for device in json.loads(entry)["devices"]:
            added.setdefault(UUID(device["id"]), recorded_at)
    return added


def acting_until_the_end(session: Session, caller: Caller) -> None:
    """The caller's device is in force, and whoever revokes it waits until this transaction has ended.

    Without that, what a thief's device puts could come in after the revocation has tidied up. Raises the problems of
    `acting`.
    """
    session.get(Device, caller.device, with_for_update={"read": True, "of": Device})
    acting(session, caller)


def lock_account(session: Session, practitioner: UUID) -> None:
    """One act at a time that counts or compares what an account has; entries of its history go on."""
    session.get_one(Practitioner, practitioner, with_for_update={"key_share": True, "of": Practitioner})


def forget(session: Session, device: UUID) -> None:
    """A device was revoked: what lies here for it is deleted, and the pairings that it opened are over."""
    session.execute(delete(Transfer).where(Transfer.device_id == device))
    session.execute(delete(Pairing).where(Pairing.device_id == device))
