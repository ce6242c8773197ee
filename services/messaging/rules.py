"""The gate's decision: may this letter go to this recipient, now?

Owns the comparison of a letter with the facts that messaging follows, and what a refusal tells to whom. Refuses law:
what a consent must hold, and what it comes to, was settled by consent before its grants came here. Nothing is fetched
here; every fact is given.

A letter is covered by one grant alone, never by two together, and whatever speaks against it outweighs whatever
speaks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity


class Reason(StrEnum):
    """Why a letter may not go; each is the last part of a problem type."""

    NO_ACTIVE_CONSENT = "no-active-consent"
    CONSENT_REVOKED = "consent-revoked"
    CONSENT_EXPIRED = "consent-expired"
    CONSENT_NOT_YET_VALID = "consent-not-yet-valid"
    CONSENT_SUPERSEDED = "consent-superseded"
    RECIPIENT_NOT_COVERED = "recipient-not-covered"
    PURPOSE_NOT_COVERED = "purpose-not-covered"
    LABEL_NOT_COVERED = "label-not-covered"
    SENDER_SUSPENDED = "sender-suspended"
    RECIPIENT_SUSPENDED = "recipient-suspended"
    UNKNOWN_RECIPIENT = "unknown-recipient"
    DEVICE_REVOKED = "device-revoked"


class State(StrEnum):
    """Where a delivery stands. Only a held one ever changes."""

    RELEASED = "released"
    HELD = "held"
    REFUSED = "refused"
    EXPIRED = "expired"


class Status(StrEnum):
    """Where a followed fact stands. `UNKNOWN`: its authority no longer lists it, so it counts for nothing."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Party:
    """A practitioner, or an organization with everyone who belongs to it."""

    kind: PartyKind
    id: UUID


@dataclass(frozen=True)
class Person:
    """A practitioner as the directory last told."""

    id: UUID
    organization: UUID
    status: Status

    def is_of(self, party: Party) -> bool:
        """Whether this is the party, or belongs to it."""
        return party.id == (self.id if party.kind is PartyKind.PRACTITIONER else self.organization)


@dataclass(frozen=True)
class Device:
    """A device as the directory last told, and whose it is."""

    id: UUID
    holder: UUID
    status: Status


@dataclass(frozen=True)
class Grant:
    """One direction: who may disclose to whom, for what, which labels, from when until just before when."""

    discloser: Party
    recipient: Party
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime

    def missing_labels(self, letter: Address) -> frozenset[str]:
        """The labels of the letter that this grant does not name."""
        return frozenset(letter.information - self.information) | frozenset(letter.sensitivity - self.sensitivity)


@dataclass(frozen=True)
class Consent:
    """A consent as its authority last told: its newest version in force, or that it is in force no more."""

    id: UUID
    version: int
    status: Status
    patient: str
    parties: tuple[Party, ...]
    grants: tuple[Grant, ...]

    def concerns(self, person: Person) -> bool:
        """Whether the person is, or belongs to, one of its parties."""
        return any(person.is_of(party) for party in self.parties)


@dataclass(frozen=True)
class Facts:
    """All that is known of one letter to one recipient.

    `actor` acts now, with `device`: the sender at the send, the recipient later.
    """

    letter: Address
    sender: Person | None
    recipient: Person | None
    actor: UUID
    device: Device | None
    consent: Consent | None


@dataclass(frozen=True)
class Permit:
    """The letter may go, under this grant."""

    grant: Grant


@dataclass(frozen=True)
class Refusal:
    """The letter may not go. `labels` are those not covered; `version` is the one to seal again under."""

    reason: Reason
    labels: frozenset[str] = frozenset()
    version: int | None = None


def decide(facts: Facts, now: datetime) -> Permit | Refusal:
    """The decision for one letter and one recipient at `now` (with a zone)."""
    grants = facts.consent.grants if facts.consent else ()
    return (
        _against_actor(facts) or _against_consent(facts) or _against_recipient(facts) or _covering(facts, grants, now)
    )


def told(refusal: Refusal, consent: Consent | None, reader: Person | None) -> Refusal:
    """What `reader` may learn of a refusal: the reason itself only as a party of the consent that the letter cites.

    To anyone else an unknown consent, a foreign one and one that does not cover the letter read the same. What is
    wrong with the reader's own sign-in is no secret of the consent.
    """
    if refusal.reason in (Reason.SENDER_SUSPENDED, Reason.DEVICE_REVOKED):
        return refusal
    if consent is not None and reader is not None and consent.concerns(reader):
        return refusal
    return Refusal(Reason.NO_ACTIVE_CONSENT)


def _against_actor(facts: Facts) -> Refusal | None:
    if facts.sender is None or facts.sender.status is not Status.ACTIVE:
        return Refusal(Reason.SENDER_SUSPENDED)
    device = facts.device
    if device is None or device.status is not Status.ACTIVE or device.holder != facts.actor:
        return Refusal(Reason.DEVICE_REVOKED)
    return None


def _against_consent(facts: Facts) -> Refusal | None:
    consent, letter = facts.consent, facts.letter
    if consent is None or consent.patient != letter.patient:
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    if consent.status is Status.REVOKED:
        return Refusal(Reason.CONSENT_REVOKED)
    if consent.status is not Status.ACTIVE or letter.consent_version > consent.version:
        return Refusal(Reason.NO_ACTIVE_CONSENT)
    if letter.consent_version < consent.version:
        return Refusal(Reason.CONSENT_SUPERSEDED, version=consent.version)
    return None


def _against_recipient(facts: Facts) -> Refusal | None:
    if facts.recipient is None or facts.recipient.status is Status.UNKNOWN:
        return Refusal(Reason.UNKNOWN_RECIPIENT)
    if facts.recipient.status is not Status.ACTIVE:
        return Refusal(Reason.RECIPIENT_SUSPENDED)
    return None


def _covering(facts: Facts, grants: Iterable[Grant], now: datetime) -> Permit | Refusal:
    """One grant that covers everything, or how far the nearest one came:

    Each step keeps only grants that passed all before it.
    """
    letter, sender, recipient = facts.letter, facts.sender, facts.recipient
    if sender is None or recipient is None:
        return Refusal(Reason.RECIPIENT_NOT_COVERED)
    between = [grant for grant in grants if sender.is_of(grant.discloser) and recipient.is_of(grant.recipient)]
    if not between:
        return Refusal(Reason.RECIPIENT_NOT_COVERED)
    in_force = [grant for grant in between if grant.valid_from <= now < grant.valid_until]
    if not in_force:
        early = any(now < grant.valid_from for grant in between)
        return Refusal(Reason.CONSENT_NOT_YET_VALID if early else Reason.CONSENT_EXPIRED)
    for_purpose = [grant for grant in in_force if letter.purpose in grant.purposes]
    if not for_purpose:
        return Refusal(Reason.PURPOSE_NOT_COVERED)
    nearest = min(for_purpose, key=lambda grant: len(grant.missing_labels(letter)))
    if missing := nearest.missing_labels(letter):
        return Refusal(Reason.LABEL_NOT_COVERED, labels=missing)
    return Permit(nearest)
