"""The key log as one clinician's client uses it.

Owns what a key, and a name over it, has to pass before anything is sealed, and the proof that goes into a letter.
Refuses keys that not everybody can see: what a client relies on, every other client has seen. Specified in
`spec/key-log.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from concord_formats.key_entries import SignedEntry
from concord_formats.log_proof import LogProof
from concord_formats.merkle import verify_inclusion
from concord_formats.notes import Checkpoint

from ..api import Practitioner
from ..errors import HiddenRotationError, KeyLogError, MalformedLogError, StalledLogError, UnloggedKeyError
from .followed import FollowedLog
from .judging import check_person, entries_of, judge
from .mirror import Logged
from .pinned import Pinned


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
                self._check_person(person, self.pinned)
            except UnloggedKeyError:
                if trouble:
                    raise trouble from None
                self._check_person(person, self.refresh(within=0))

    def newest(self, practitioner: UUID) -> Logged:
        """The binding of an account's newest entry at the last checkpoint. Raises `UnloggedKeyError`."""
        logged = entries_of(self.read(lambda: self.mirror.bindings(practitioner, self.pinned.checkpoint.size)))
        if not logged:
            raise UnloggedKeyError(f"the account {practitioner} stands nowhere in the log", about=f"{practitioner} 0")
        return logged[-1]

    def overtaken(self, entries: Mapping[UUID, int]) -> list[UUID]:
        """The accounts of which the last checkpoint has a later entry than the number that is given for each."""
        return [person for person, n in entries.items() if self.newest(person).n > n]

    def proof(self, practitioner: UUID) -> str:
        """A tlog-proof of an account's newest entry at the last checkpoint; of one's own, with the binding's line.

        It verifies, or is not given out. Raises `UnloggedKeyError`.
        """
        newest = self.newest(practitioner)
        checkpoint, note = self.pinned.checkpoint, self.pinned.note or ""
        path = self.read(lambda: self._proven(newest))
        line = self.mirror.line(newest.leaf)
        if line is None and practitioner == self.me:
            raise MalformedLogError(f"the mirror has no line {newest.leaf} of {checkpoint.size}", "concord log verify")
        return LogProof(newest.leaf, tuple(path), _own_signatures(note, checkpoint), line).encode()

    def _trouble(self, fresh: bool) -> KeyLogError | None:
        try:
            self.refresh()
        except KeyLogError as error:
            if fresh or self.pinned.note is None:
                raise
            return error
        return None

    def _judge(self, practitioner: UUID, history: Sequence[SignedEntry]) -> None:
        pinned = self.pinned
        logged = self.mirror.bindings(practitioner, pinned.checkpoint.size)
        self._proven(judge(practitioner, history, logged, pinned.note or ""))

    def _judge_again(self, practitioner: UUID, history: Sequence[SignedEntry]) -> None:
        try:
            self.read(lambda: self._judge(practitioner, history))
        except UnloggedKeyError as error:
            if practitioner != self.me:
                raise
            message = "your own newest key entry is not in the log: nobody can see it yet"
            raise StalledLogError(message, about=error.about, evidence=error.evidence) from None

    def _proven(self, found: Logged) -> list[bytes]:
        """The path of a leaf, which leads to the root of the last checkpoint. Raises `ProofError`."""
        checkpoint = self.pinned.checkpoint
        path = self.mirror.path(found.leaf, checkpoint.size)
        verify_inclusion(self.mirror.leaf_hash(found.leaf), found.leaf, checkpoint.size, path, checkpoint.root)
        return path

    def _check_person(self, person: Practitioner, pinned: Pinned) -> None:
        named = self.read(lambda: self.mirror.named(person.id, pinned.checkpoint.size))
        check_person(person, named, pinned.note or "")


def _own_signatures(note: str, checkpoint: Checkpoint) -> str:
    """The note with the log's own two signatures: witnesses' are for each reader to ask for."""
    text, _, signatures = note.rpartition("\n\n")
    own = [line for line in signatures.splitlines() if line.split(" ")[1:2] == [checkpoint.origin]]
    return "\n".join((text, "", *own, ""))


__all__ = ["KeyLog"]
