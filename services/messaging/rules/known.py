"""What is known of a letter when it is judged: people, devices, rights, consents and their grants.

Owns these values and the questions that each answers about itself. Refuses to judge: that is `decision`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from concord_formats.address import Address
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity


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
class Member:
    """Somebody's place in a team as the directory last told, and the organization whose team it is."""

    organization: UUID | None
    status: Status


@dataclass(frozen=True)
class Delegation:
    """The right of `delegate` to send in the name of `delegator`: for what, with which labels, from when until just
    before when, as the directory last told.
    """

    id: UUID
    delegator: UUID
    delegate: UUID
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    status: Status

    def missing_labels(self, letter: Address) -> frozenset[str]:
        """The labels of the letter that this right does not name."""
        return _missing(self, letter)


@dataclass(frozen=True)
class Withheld:
    """What `discloser` agreed to withhold from `recipient` (None: from anybody): what carries any of these labels.

    Without any label, everything is withheld.
    """

    discloser: Party
    recipient: Party | None
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]

    def holds_back(self, letter: Address, sender: Person, recipient: Person) -> bool:
        """Whether this speaks against the letter."""
        between = sender.is_of(self.discloser) and (self.recipient is None or recipient.is_of(self.recipient))
        labels = bool(self.information or self.sensitivity)
        touched = self.information & letter.information or self.sensitivity & letter.sensitivity
        return between and (not labels or bool(touched))


@dataclass(frozen=True)
class Grant:
    """One direction: who may disclose to whom, for what, which labels, from when until just before when.

    `only_with`: what does not carry this label is not covered. `withheld`: what is denied all the same. `letter`: no
    other letter is covered (an emergency).
    """

    discloser: Party
    recipient: Party
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    only_with: Sensitivity | None = None
    withheld: tuple[Withheld, ...] = ()
    letter: UUID | None = None

    def is_between(self, sender: Person, recipient: Person, letter: UUID) -> bool:
        """Whether this is about a letter of this sender to this recipient."""
        own = self.letter in (None, letter)
        return own and sender.is_of(self.discloser) and recipient.is_of(self.recipient)

    def missing_labels(self, letter: Address) -> frozenset[str]:
        """The labels of the letter that this grant does not name."""
        return _missing(self, letter)


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

    def withholds_for(self, person: Person) -> bool:
        """Whether the person is, or belongs to, somebody who agreed to withhold something of the patient."""
        return any(person.is_of(each.discloser) for grant in self.grants for each in grant.withheld)


@dataclass(frozen=True)
class Facts:
    """All that is known of one letter to one recipient.

    `actor` acts now, with `device`: the sender at the send, the recipient later. `delegator` and `delegation` are there
    for a letter on behalf of somebody, `member` (the recipient, as one) for a letter to a team.
    """

    letter: Address
    sender: Person | None
    recipient: Person | None
    actor: UUID
    device: Device | None
    consent: Consent | None
    delegator: Person | None = None
    delegation: Delegation | None = None
    member: Member | None = None

    @property
    def at_the_send(self) -> bool:
        """Whether the letter is being sent, and not handed out."""
        return self.actor == self.letter.sender

    @property
    def discloser(self) -> Person | None:
        """Whose letter it is: what a consent must allow to be sent."""
        return self.sender if self.letter.on_behalf_of is None else self.delegator

    @property
    def disclosing(self) -> Sequence[Person]:
        """Everybody whose promises to withhold something bind the letter."""
        return [each for each in (self.sender, self.delegator) if each is not None]


def _missing(allowed: Grant | Delegation, letter: Address) -> frozenset[str]:
    return frozenset(letter.information - allowed.information) | frozenset(letter.sensitivity - allowed.sensitivity)
