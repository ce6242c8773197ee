"""Colleagues: who they are, and which of their keys to trust.

Owns the way from a name or an id to verified keys. Refuses a silent change: a history that does not go on from what
was pinned is refused, and stays refused until a person has compared fingerprints.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from concord_formats.key_entries import KeyEntry, SignedEntry
from concord_formats.signatures import HybridPublicKey

from .api import DirectoryApi, Practitioner
from .api.consent import Party
from .pins import Pinned, Pins

# A device that its owner revoked a moment ago still counts for this long when a letter is opened: the gate stopped it
# already.
HISTORY_SECONDS = 60.0


class Colleagues:
    """The directory's people, seen through this device's pins."""

    def __init__(self, directory: DirectoryApi, pins: Pins, me: UUID) -> None:
        self.directory = directory
        self.pins = pins
        self.me = me
        self._organization: UUID | None = None
        self._histories: dict[UUID, tuple[float, Sequence[SignedEntry]]] = {}

    def keys(self, practitioner: UUID) -> Pinned:
        """The newest verified keys of a person, pinned at first use. Raises `PinError`, `ServiceError`."""
        return self.pins.check(practitioner, self.directory.keys(practitioner))

    def entry(self, practitioner: UUID) -> KeyEntry:
        """As `keys`, the entry alone."""
        return self.keys(practitioner).entry

    def fingerprint(self, practitioner: UUID) -> str:
        """The fingerprint of a person's identity key, to compare aloud."""
        return HybridPublicKey.decode(self.entry(practitioner).identity).fingerprint()

    def history(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """The whole verified history of a person's keys, to check what they signed: an old device counts for an old
        letter.

        Up to `HISTORY_SECONDS` old; what is sealed is sealed to keys that were asked for then (`keys`).
        """
        fetched, entries = self._histories.get(practitioner, (0.0, ()))
        if not entries or time.monotonic() - fetched > HISTORY_SECONDS:
            entries = self.directory.keys(practitioner)
            self.pins.check(practitioner, entries)
            self._histories[practitioner] = (time.monotonic(), entries)
        return entries

    def trust(self, practitioner: UUID, fingerprint: str) -> None:
        """Pin a person's new keys, which have exactly the fingerprint that was compared. Raises `PinError`."""
        self.pins.accept_new_identity(practitioner, self.directory.keys(practitioner), fingerprint)

    def find(self, text: str) -> list[Practitioner]:
        """People by NPI (ten digits) or by name."""
        words = text.strip()
        if words.isdigit():
            return list(self.directory.find(npi=words))
        return list(self.directory.find(name=words))

    @property
    def organization(self) -> UUID:
        """One's own organization."""
        if self._organization is None:
            self._organization = self.directory.practitioner(self.me).organization.id
        return self._organization

    def is_mine(self, party: Party) -> bool:
        """Whether a party of a consent is oneself or one's organization."""
        return party.id in (self.me, self.organization)

    def members(self, parties: Iterable[Party]) -> list[UUID]:
        """The active people that parties stand for: a practitioner, or all of an organization."""
        people: dict[UUID, None] = {}
        for party in parties:
            if party.kind == "practitioner":
                people[party.id] = None
                continue
            for person in self.directory.find(organization=party.id):
                if person.status == "active" and person.role == "practitioner":
                    people[person.id] = None
        return list(people)
