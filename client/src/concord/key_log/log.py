"""The key log as one clinician's client uses it.

Owns what a key, and a name over it, has to pass before anything is sealed, and the proof that goes into a letter.
Refuses keys that not everybody can see: what a client relies on, every other client has seen. Specified in
`spec/key-log.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from concord_formats.cosignatures import own_clock
from concord_formats.key_entries import SignedEntry
from concord_formats.log_proof import LogProof
from concord_formats.merkle import verify_inclusion
from concord_formats.notes import ID_BYTES, VerifierKey, signature_line, taken_apart

from ..api import Practitioner
from ..errors import (
    ConcordError,
    HiddenRotationError,
    KeyLogError,
    MalformedLogError,
    ServiceError,
    StalledLogError,
    UnloggedKeyError,
    UnreachableError,
)
from .followed import FollowedLog
from .judging import check_person, entries_of, judge
from .mirror import Logged, Named


class KeyLog(FollowedLog):
    """The key log, to hold keys against."""

    def check(self, practitioner: UUID, history: Sequence[SignedEntry], *, fresh: bool, again: bool = False) -> None:
        """Whether a history is the one that everybody can see in the log, to its end.

        `fresh`: keys that are to be sealed to; the log itself must be in order then. Otherwise what is pinned will
        do, if every entry is in it. `again`: a rotation that is hidden is no alarm yet, for it is asked again.
        Raises `KeyLogError`, `ServiceError`, `UnreachableError`.
        """
        trouble = self._trouble(fresh)
        with self.keeping(*[HiddenRotationError] if again else []):
            try:
                self.read(lambda: self._judge(practitioner, history))
            except UnloggedKeyError:
                if trouble:
                    raise trouble from None
                self.refresh(within=0)
                self._judge_again(practitioner, history)

    def check_person(self, person: Practitioner, *, fresh: bool = True) -> None:
        """Whether the directory shows somebody as who they were when their keys were logged.

        `fresh` as for `check`. Raises `NameMismatchError`, `UnloggedKeyError`, and what `refresh` raises.
        """
        trouble = self._trouble(fresh)
        with self.keeping():
            try:
                self._check_person(person)
            except UnloggedKeyError:
                if trouble:
                    raise trouble from None
                self.refresh(within=0)
                self._check_person(person)

    def numbered(self, npi: str) -> list[UUID]:
        """The practitioners' accounts that go by an NPI at the newest checkpoint, the newest first, some at most.

        One person may have an account in several organizations. Raises what `refresh` raises.
        """
        self.refresh()
        return self.read(lambda: self._numbered(npi))

    def newest(self, practitioner: UUID) -> Logged:
        """The binding of an account's newest entry at the last checkpoint. Raises `UnloggedKeyError`."""
        return self._newest(practitioner)[0]

    def overtaken(self, entries: Mapping[UUID, int]) -> list[UUID]:
        """The accounts of which the last checkpoint has a later entry than the number that is given for each."""
        return [person for person, n in entries.items() if self.newest(person).n > n]

    def proof(self, practitioner: UUID) -> str:
        """A tlog-proof of an account's newest entry at the last checkpoint; of one's own, with the binding's line.

        It verifies, or is not given out. Raises `UnloggedKeyError`.
        """
        newest, path = self._newest(practitioner)
        line = self.read(lambda: self.mirror.line(newest.leaf))
        if line is None and practitioner == self.me:
            message = f"the mirror does not have one's own binding {newest.leaf}"
            raise MalformedLogError(message, "Read it anew: concord log verify")
        note = _own_signatures(self.pinned.note or "", self.pinned.keys[-1])
        return LogProof(newest.leaf, tuple(path), note, line).encode()

    def _trouble(self, fresh: bool) -> ConcordError | None:
        """What stands in the way of the newest checkpoint, where the last one that was pinned will do as well."""
        if not fresh and (trouble := self.recent_trouble()):
            return trouble
        try:
            self.refresh()
        except (KeyLogError, ServiceError, UnreachableError) as error:
            if fresh or self.pinned.note is None:
                raise
            return error
        return None

    def _newest(self, practitioner: UUID) -> tuple[Logged, list[bytes]]:
        """The binding of an account's newest entry, with its path. Raises `UnloggedKeyError`."""
        found = self.read(lambda: self._newest_proven(practitioner))
        if found is None:
            raise UnloggedKeyError(f"the account {practitioner} stands nowhere in the log", about=f"{practitioner} 0")
        return found

    def _newest_proven(self, practitioner: UUID) -> tuple[Logged, list[bytes]] | None:
        logged = entries_of(self.mirror.bindings(practitioner, self.pinned.checkpoint.size))
        return (logged[-1], self._proven(logged[-1].leaf)) if logged else None

    def _judge(self, practitioner: UUID, history: Sequence[SignedEntry]) -> None:
        pinned = self.pinned
        logged = self.mirror.bindings(practitioner, pinned.checkpoint.size)
        self._proven(judge(practitioner, history, logged, pinned.note or "").leaf)

    def _judge_again(self, practitioner: UUID, history: Sequence[SignedEntry]) -> None:
        try:
            self.read(lambda: self._judge(practitioner, history))
        except UnloggedKeyError as error:
            if practitioner != self.me:
                raise
            message = "your own newest key entry is not in the log: nobody can see it yet"
            raise StalledLogError(message, about=error.about, evidence=error.evidence) from None

    def _proven(self, leaf: int) -> list[bytes]:
        """The path of a leaf, which leads to the root of the last checkpoint. Raises `ProofError`."""
        checkpoint = self.pinned.checkpoint
        path = self.mirror.path(leaf, checkpoint.size)
        verify_inclusion(self.mirror.leaf_hash(leaf), leaf, checkpoint.size, path, checkpoint.root)
        return path

    def _check_person(self, person: Practitioner) -> None:
        check_person(person, self.read(lambda: self._named(person.id)), self.pinned.note or "")

    def _named(self, account: UUID) -> Named | None:
        named = self.mirror.named(account, self.pinned.checkpoint.size)
        if named:
            self._proven(named.leaf)
        return named

    def _numbered(self, npi: str) -> list[UUID]:
        named = map(self._named, self.mirror.numbered(npi, self.pinned.checkpoint.size))
        # What an account was called once is not what it is called now.
        return [each.account for each in named if each and (each.npi, each.role) == (npi, _PRACTITIONER)]


# Whose entry takes the place of the public record with their number.
_PRACTITIONER = "practitioner"


def _own_signatures(note: str, key: VerifierKey) -> str:
    """The note with the log's own two signatures: witnesses' are for each reader to ask for, and whatever else stands
    there under the log's name is no part of a proof.
    """
    text, signatures = taken_apart(note)
    ids = {key.id, own_clock(key).id}
    own = (signature_line(name, raw) for name, raw in signatures if name == key.name and raw[:ID_BYTES] in ids)
    return f"{text}\n{''.join(own)}"


__all__ = ["KeyLog"]
