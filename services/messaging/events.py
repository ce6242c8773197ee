"""The facts that messaging tells, and the table of those it follows.

Owns their names and the shape of their data, which is that of `spec/events.md`. Refuses content: labels, parties and
times are all that a letter's account holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import PART_2_LABELS, Purpose
from sqlalchemy.orm import Session

from services.chassis.event import Event

from . import claims_followed, projections

SOURCE = "messaging"


class Fact(StrEnum):
    """What happened to a letter, for the account of the consent that it cites."""

    RELEASED = "care.concord.messaging.letter-released.v1"
    REFUSED = "care.concord.messaging.letter-refused.v1"
    HANDED_OUT = "care.concord.messaging.letter-handed-out.v1"
    OPENED = "care.concord.messaging.letter-opened.v1"


class Basis(StrEnum):
    """On what ground something was disclosed. An emergency release has a purpose of its own (42 CFR 2.51)."""

    CONSENT = "consent"
    EMERGENCY = "emergency"


Apply = Callable[[Session, Event], None]

CONSENT_HANDLERS: Mapping[str, Apply] = {
    "care.concord.consent.activated.v1": projections.consent_activated,  # of a consent service before v2
    "care.concord.consent.activated.v2": projections.consent_activated,
    "care.concord.consent.revoked.v1": projections.consent_revoked,
}
DIRECTORY_HANDLERS: Mapping[str, Apply] = {
    "care.concord.directory.practitioner-registered.v1": projections.practitioner_changed,
    "care.concord.directory.practitioner-changed.v1": projections.practitioner_changed,
    "care.concord.directory.practitioner-suspended.v1": projections.practitioner_suspended,
    "care.concord.directory.practitioner-reinstated.v1": projections.practitioner_reinstated,
    "care.concord.directory.device-registered.v1": projections.device_registered,
    "care.concord.directory.device-revoked.v1": projections.device_revoked,
    "care.concord.directory.team-member-added.v1": claims_followed.team_member_added,
    "care.concord.directory.team-member-removed.v1": claims_followed.team_member_removed,
    "care.concord.directory.delegation-given.v1": claims_followed.delegation_given,
    "care.concord.directory.delegation-revoked.v1": claims_followed.delegation_revoked,
    # Keys are between clients; the number must be followed all the same.
    "care.concord.directory.keys-changed.v1": projections.nothing_followed,
}


def letter_event(
    fact: Fact,
    address: Address,
    recipient: UUID,
    at: datetime,
    reason: str | None = None,
    patient: str | None = None,
    sender_organization: UUID | None = None,
) -> Event:
    """What happened at `at` to the letter for one recipient; `reason` and `sender_organization` with a refusal only.

    `patient` is whose account it belongs to, when that is not the letter's.
    """
    data: dict[str, Any] = {
        "patient": patient or address.patient,
        "letter": str(address.letter),
        "consent": str(address.consent),
        "consent_version": address.consent_version,
        "sender": str(address.sender),
        "recipient": str(recipient),
        "purpose": address.purpose.value,
        "information": sorted(address.information),
        "sensitivity": sorted(address.sensitivity),
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "basis": (Basis.EMERGENCY if address.purpose is Purpose.EMERGENCY else Basis.CONSENT).value,
        # 42 CFR 2.32: a disclosure of these records carries its notice; the client refuses to seal one without it.
        "notice": not PART_2_LABELS.isdisjoint(address.sensitivity),
    }
    if reason is not None:
        data["reason"] = reason
    if sender_organization is not None:
        data["sender_organization"] = str(sender_organization)
    if address.label_reason is not None:
        data["label_reason"] = address.label_reason.value
    claimed = {"on_behalf_of": address.on_behalf_of, "team": address.team}
    data |= {name: str(value) for name, value in claimed.items() if value is not None}
    return Event.create(SOURCE, fact.value, data, time=at, subject=str(address.letter))
