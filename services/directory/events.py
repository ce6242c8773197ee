"""What the directory says in the past tense, and the whole of it as a snapshot.

Owns the types and the data of its events (`spec/events.md`). Refuses names, NPIs and keys: messaging decides on
identifiers and states. The directory handles no events of others.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.event import TYPE_PREFIX, Event
from services.chassis.feed import Feed

from .deps import Facts
from .models import Device, Practitioner
from .rules.people import Status

PREFIX = f"{TYPE_PREFIX}directory."
PRACTITIONER_REGISTERED = PREFIX + "practitioner-registered.v1"
PRACTITIONER_SUSPENDED = PREFIX + "practitioner-suspended.v1"
PRACTITIONER_REINSTATED = PREFIX + "practitioner-reinstated.v1"
DEVICE_REGISTERED = PREFIX + "device-registered.v1"
DEVICE_REVOKED = PREFIX + "device-revoked.v1"
KEYS_CHANGED = PREFIX + "keys-changed.v1"


def practitioner_registered(feed: Feed, session: Session, person: Practitioner) -> Event:
    """Somebody enrolled."""
    data = {"practitioner": str(person.id), "organization": str(person.organization_id), "status": person.status}
    return feed.append(session, PRACTITIONER_REGISTERED, str(person.id), data)


def practitioner_suspended(feed: Feed, session: Session, practitioner: UUID) -> Event:
    """An account was stopped."""
    return feed.append(session, PRACTITIONER_SUSPENDED, str(practitioner), {"practitioner": str(practitioner)})


def practitioner_reinstated(feed: Feed, session: Session, practitioner: UUID) -> Event:
    """An account may work again."""
    return feed.append(session, PRACTITIONER_REINSTATED, str(practitioner), {"practitioner": str(practitioner)})


def device_registered(feed: Feed, session: Session, device: Device) -> Event:
    """A device was added to an account."""
    data = {"device": str(device.id), "practitioner": str(device.practitioner_id), "jkt": device.thumbprint}
    return feed.append(session, DEVICE_REGISTERED, str(device.id), data)


def device_revoked(feed: Feed, session: Session, device: Device) -> Event:
    """A device was stopped."""
    data = {"device": str(device.id), "practitioner": str(device.practitioner_id)}
    return feed.append(session, DEVICE_REVOKED, str(device.id), data)


def keys_changed(feed: Feed, session: Session, practitioner: UUID, entry: int) -> Event:
    """An account has a new encryption key, recorded as entry number `entry`."""
    data = {"practitioner": str(practitioner), "entry": entry}
    return feed.append(session, KEYS_CHANGED, str(practitioner), data)


def snapshot(session: Session) -> Facts:
    """Every fact that messaging follows: first the practitioners who ever enrolled, then all devices."""
    enrolled = select(Practitioner.id, Practitioner.organization_id, Practitioner.status)
    for id_, organization, status in session.execute(enrolled.where(Practitioner.status != Status.INVITED)):
        yield {"kind": "practitioner", "practitioner": str(id_), "organization": str(organization), "status": status}
    for id_, practitioner, status in session.execute(select(Device.id, Device.practitioner_id, Device.status)):
        yield {"kind": "device", "device": str(id_), "practitioner": str(practitioner), "status": status}
