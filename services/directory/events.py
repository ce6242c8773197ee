"""What the directory says in the past tense, and the whole of it as a snapshot.

Owns the types and the data of its events (`spec/events.md`). Refuses names, NPIs and keys: messaging decides on
identifiers and states. The directory handles no events of others.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any
from uuid import UUID

from concord_formats.delegations import Delegation, unverified_delegation
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.event import TYPE_PREFIX, Event
from services.chassis.feed import Feed

from .deps import Facts
from .models import DelegationRow, Device, Practitioner, Team, TeamMember
from .rules.people import Status
from .rules.teams import MembershipStatus

PREFIX = f"{TYPE_PREFIX}directory."
PRACTITIONER_REGISTERED = PREFIX + "practitioner-registered.v1"
PRACTITIONER_SUSPENDED = PREFIX + "practitioner-suspended.v1"
PRACTITIONER_REINSTATED = PREFIX + "practitioner-reinstated.v1"
DEVICE_REGISTERED = PREFIX + "device-registered.v1"
DEVICE_REVOKED = PREFIX + "device-revoked.v1"
KEYS_CHANGED = PREFIX + "keys-changed.v1"
TEAM_MEMBER_ADDED = PREFIX + "team-member-added.v1"
TEAM_MEMBER_REMOVED = PREFIX + "team-member-removed.v1"
DELEGATION_GIVEN = PREFIX + "delegation-given.v1"
DELEGATION_REVOKED = PREFIX + "delegation-revoked.v1"


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


def team_member_added(feed: Feed, session: Session, team: Team, practitioner: UUID) -> Event:
    """Somebody became a member of a team."""
    return feed.append(session, TEAM_MEMBER_ADDED, str(team.id), _member(team.id, team.organization_id, practitioner))


def team_member_removed(feed: Feed, session: Session, team: UUID, practitioner: UUID) -> Event:
    """Somebody is a member of a team no more."""
    data = {"team": str(team), "practitioner": str(practitioner)}
    return feed.append(session, TEAM_MEMBER_REMOVED, str(team), data)


def delegation_given(feed: Feed, session: Session, said: Delegation) -> Event:
    """Somebody may send letters in another's name."""
    return feed.append(session, DELEGATION_GIVEN, str(said.delegation), _given(said))


def delegation_revoked(feed: Feed, session: Session, delegation: UUID) -> Event:
    """A delegation was taken back, for ever."""
    return feed.append(session, DELEGATION_REVOKED, str(delegation), {"delegation": str(delegation)})


def _member(team: UUID, organization: UUID, practitioner: UUID) -> dict[str, Any]:
    return {"team": str(team), "organization": str(organization), "practitioner": str(practitioner)}


def _given(said: Delegation) -> dict[str, Any]:
    """What a delegation gives; lists are sorted, instants are RFC 3339 in UTC."""
    return {
        "delegation": str(said.delegation),
        "delegator": str(said.delegator),
        "delegate": str(said.delegate),
        "purposes": sorted(said.purposes),
        "information": sorted(said.information),
        "sensitivity": sorted(said.sensitivity),
        "valid_from": said.valid_from.astimezone(UTC).isoformat(),
        "valid_until": said.valid_until.astimezone(UTC).isoformat(),
    }


def snapshot(session: Session) -> Facts:
    """Every fact that messaging follows: practitioners who ever enrolled, then all devices, present members of teams,
    and every delegation.
    """
    enrolled = select(Practitioner.id, Practitioner.organization_id, Practitioner.status)
    for id_, organization, status in session.execute(enrolled.where(Practitioner.status != Status.INVITED)):
        yield {"kind": "practitioner", "practitioner": str(id_), "organization": str(organization), "status": status}
    for id_, practitioner, status in session.execute(select(Device.id, Device.practitioner_id, Device.status)):
        yield {"kind": "device", "device": str(id_), "practitioner": str(practitioner), "status": status}
    present = select(TeamMember.team_id, Team.organization_id, TeamMember.practitioner_id).join(
        Team, Team.id == TeamMember.team_id
    )
    for row in session.execute(present.where(TeamMember.status == MembershipStatus.MEMBER)):
        yield {"kind": "team-member", **_member(*row)}
    for line, status in session.execute(select(DelegationRow.line, DelegationRow.status)):
        yield {"kind": "delegation", **_given(unverified_delegation(line)), "status": status}
