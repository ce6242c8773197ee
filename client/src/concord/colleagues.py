"""Colleagues: who they are, and which of their keys to trust.

Owns the way from a name or an id to verified keys. Refuses a silent change: a history that does not go on from what
was pinned is refused, and stays refused until a person has compared fingerprints. Refuses what not everybody can see:
keys, and names over them, that are not those of the key log.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from concord_formats.key_entries import KeyEntry, SignedEntry, read_entries, read_entry
from concord_formats.signatures import HybridPublicKey

from .api import DirectoryApi, Practitioner
from .api.consent import Party
from .errors import HiddenRotationError, KeyLogError, RecoveredKeysError
from .key_log import InLetter, KeyLog, meet
from .letter.statement import Statement, encryption_digest
from .pins import Pinned, Pins
from .recovery_cases.attestors import Attestors

# A device that its owner revoked a moment ago still counts for this long when a letter is opened: the gate stopped it
# already.
HISTORY_SECONDS = 60.0
# Somebody who changes keys between two questions is asked for again; whoever does so all the time is not sealed to.
ATTEMPTS = 3


class Colleagues:
    """The directory's people, seen through this device's pins."""

    def __init__(self, directory: DirectoryApi, pins: Pins, me: UUID, key_log: KeyLog | None = None) -> None:
        self.directory = directory
        self.pins = pins
        self.me = me
        self.key_log = key_log
        # Where the key log is followed: without it nobody can tell who an administrator is.
        self.attestors: Attestors | None = None
        self._organization: UUID | None = None
        self._histories: dict[UUID, tuple[float, Sequence[SignedEntry]]] = {}
        self._own: tuple[float, Sequence[SignedEntry]] = (0.0, ())

    def keys(self, practitioner: UUID) -> Pinned:
        """The newest verified keys of a person, logged, pinned at first use. Raises `PinError`, `ServiceError`."""
        return self.pins.check(practitioner, self._logged(practitioner, fresh=True))

    def entry(self, practitioner: UUID) -> KeyEntry:
        """As `keys`, the entry alone, to seal to: refused while an alarm of the key log stops sealing."""
        found = self.keys(practitioner).entry
        if self.key_log:
            self.key_log.may_seal()
        return found

    def entries(self, people: Iterable[UUID]) -> dict[UUID, KeyEntry]:
        """As `entry`, for several people, all of them the newest at one and the same checkpoint of the key log."""
        wanted = list(people)
        found = {person: self.entry(person) for person in wanted}
        for _ in range(ATTEMPTS):
            overtaken = self.key_log.overtaken({each: found[each].n for each in wanted}) if self.key_log else []
            if not overtaken:
                return found
            found |= {person: self.entry(person) for person in overtaken}
        raise HiddenRotationError("keys change faster than they can be asked for", "Try again.")

    def fingerprint(self, practitioner: UUID) -> str:
        """The fingerprint of a person's identity key, to compare aloud."""
        return HybridPublicKey.decode(self.keys(practitioner).entry.identity).fingerprint()

    def history(self, practitioner: UUID, *, fresh: bool = False) -> Sequence[SignedEntry]:
        """The whole verified history of a person's keys, to check what they signed: an old device counts for an old
        letter.

        Up to `HISTORY_SECONDS` old, unless a `fresh` one is asked for; what is sealed is sealed to keys that were asked
        for then (`keys`).
        """
        fetched, entries = self._histories.get(practitioner, (0.0, ()))
        if fresh or not entries or time.monotonic() - fetched > HISTORY_SECONDS:
            entries = self._logged(practitioner, fresh=False)
            self.pins.check(practitioner, entries)
            self._histories[practitioner] = (time.monotonic(), entries)
        return entries

    def trust(self, practitioner: UUID, fingerprint: str) -> None:
        """Pin a person's new keys, which have exactly the fingerprint that was compared. Raises `PinError`."""
        history = self.directory.keys(practitioner)
        if self.key_log:
            self.key_log.check(practitioner, history, fresh=True)
        self.pins.accept_new_identity(practitioner, history, fingerprint)

    def publish(self, entry: SignedEntry) -> dict[str, Any]:
        """Append an entry to one's own history; the directory's answer. What one did oneself is no news in the log."""
        answer = self.directory.append_keys(self.me, entry)
        if self.key_log:
            self.key_log.made(entry, read_entry(entry).n)
        return answer

    def own_history(self) -> Sequence[SignedEntry]:
        """One's own whole history, fetched now, as it goes on from what is pinned. Raises `PinError`."""
        history = self.directory.keys(self.me)
        self.pins.verify(self.me, history)
        self._own = (time.monotonic(), history)
        return history

    def log_doubts(self, statement: Statement) -> tuple[str, ...]:
        """What a letter's proof gives to doubt about the key log, a line each; see `concord.key_log.meeting`.

        A letter without a proof, as older ones are, gives none. Raises `MalformedLogError`, `UnloggedKeyError`.
        """
        if self.key_log is None or statement.key_log is None:
            return ()
        letter = InLetter(
            proof=statement.key_log,
            sender=statement.sender,
            device=statement.device,
            history=self.history(statement.sender),
            sealed_to=next((each.encryption for each in statement.recipients if each.practitioner == self.me), ""),
            own=self._own_keys,
        )
        return meet(self.key_log, letter)

    def _own_keys(self) -> Sequence[tuple[SignedEntry, str]]:
        """One's own entries, at least those that the log has, each with the digest of its encryption key."""
        fetched, history = self._own
        logged = self.key_log.newest(self.me).n if self.key_log else 0
        if len(history) < logged or time.monotonic() - fetched > HISTORY_SECONDS:
            history = self.own_history()
        entries = zip(history, read_entries(history), strict=True)
        return [(signed, encryption_digest(entry.encryption)) for signed, entry in entries]

    def person(self, practitioner: UUID, *, fresh: bool = True) -> Practitioner:
        """Somebody by id, as they stand in the key log; without `fresh`, as it was last seen. Raises `KeyLogError`."""
        return self.known(self.directory.practitioner(practitioner), fresh=fresh)

    def find(self, text: str) -> list[Practitioner]:
        """People by NPI (ten digits) or by name."""
        words = text.strip()
        if not words.isdigit():
            return [self.known(person) for person in self.directory.find(name=words)]
        # Whom the directory shows for a number that is not theirs is not who was looked for.
        return [self.known(person) for person in self.directory.find(npi=words) if person.npi == words]

    def numbered(self, npi: str) -> list[UUID]:
        """Practitioners' accounts that the key log has under an NPI, some at most. Raises `KeyLogError`."""
        return self.key_log.numbered(npi) if self.key_log else []

    def name(self, practitioner: UUID) -> str:
        """What to call somebody before a person: as they stand in the key log; else the id alone."""
        try:
            return self.person(practitioner, fresh=False).name
        except KeyLogError:
            return str(practitioner)

    @property
    def organization(self) -> UUID:
        """One's own organization."""
        if self._organization is None:
            self._organization = self.person(self.me, fresh=False).organization.id
        return self._organization

    def is_mine(self, party: Party) -> bool:
        """Whether a party of a consent is oneself or one's organization."""
        return party.id in (self.me, self.organization)

    def is_side_of(self, party: Party, person: UUID | None) -> bool:
        """As `is_mine`; of a `person` of one's own organization, whom one writes for, whether it is them or it."""
        return self.is_mine(party) if person is None else party.id in (person, self.organization)

    def members(self, parties: Iterable[Party]) -> list[UUID]:
        """The active people that parties stand for: a practitioner, or all of an organization."""
        people: dict[UUID, None] = {}
        for party in parties:
            if party.kind == "practitioner":
                people[party.id] = None
                continue
            people |= {each.id: None for each in self.of_organization(party.id, "practitioner")}
        return list(people)

    def of_organization(self, organization: UUID, *roles: str) -> list[Practitioner]:
        """The active people of an organization who have one of the roles, as they stand in the key log."""
        shown = self.directory.find(organization=organization)
        # Somebody of another organization, truly logged there, is not one of these for the directory's saying so.
        found = (each for each in shown if each.organization.id == organization)
        return [self.known(each) for each in found if each.status == "active" and each.role in roles]

    def _logged(self, practitioner: UUID, *, fresh: bool) -> Sequence[SignedEntry]:
        """A person's history, verified and found in the key log; not pinned yet."""
        history = self._verified(practitioner)
        if self.key_log is None:
            return history
        try:
            self.key_log.check(practitioner, history, fresh=fresh, again=True)
        except HiddenRotationError:  # or they changed their keys between the two questions
            history = self._verified(practitioner)
            self.key_log.check(practitioner, history, fresh=fresh)
        return history

    def _verified(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """A person's history, against its pin; of a recovery it is told who attested, or that nobody did."""
        history = self.directory.keys(practitioner)
        try:
            self.pins.verify(practitioner, history)
        except RecoveredKeysError as refused:
            raise (self.attestors.told(refused, history) if self.attestors else refused) from None
        if self.attestors and practitioner != self.me and not self.pins.knows(practitioner):
            self.attestors.check_first(practitioner, history)
        return history

    def known(self, person: Practitioner, *, fresh: bool = True) -> Practitioner:
        """Somebody as the directory shows them, who stands so in the key log. Raises `KeyLogError`."""
        if self.key_log:
            self.key_log.check_person(person, fresh=fresh)
        return person
