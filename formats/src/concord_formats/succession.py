"""The succession of a log's keys: each key names the next one, and signs that.

Owns the statement and the walk along a chain of them. Refuses a step that the key before it did not sign, and so a way
back: no later key names an earlier one. Specified in `spec/account.md` and `spec/key-log.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .notes import NoteError, VerifierKey, sign_note, text_lines, unverified_text, verify_note

# The first line of the statement is the key's name and this: it can pass neither for a checkpoint nor for a count of
# the same log, whose first lines are others.
SUCCESSION_SUFFIX = "-succession"
# Monthly for twenty years; a longer chain is somebody's invention to keep a reader busy.
MAX_STEPS = 240


@dataclass(frozen=True)
class Succession:
    """`key` signs from now on, says whoever signed until now."""

    key: VerifierKey

    def encode(self) -> str:
        """The text to be signed: two lines."""
        return f"{self.key.name}{SUCCESSION_SUFFIX}\n{self.key.encode()}\n"

    @classmethod
    def parse(cls, text: str) -> Succession:
        """Read the text of a verified note. Raises `NoteError`."""
        origin, key = text_lines(text, 2)
        successor = VerifierKey.decode(key)
        if origin != successor.name + SUCCESSION_SUFFIX:
            raise NoteError("no succession of a log's keys")
        return cls(successor)


def name_successor(key: Ed25519PrivateKey, name: str, successor: Ed25519PrivateKey) -> str:
    """The signed note by which a key names the next one."""
    return sign_note(Succession(VerifierKey.of(name, successor)).encode(), name, key)


def named(chain: Sequence[str]) -> Iterator[VerifierKey]:
    """The keys that a chain names, in its order. Nothing is verified: whether one leads anywhere `follow` says."""
    for note in chain[:MAX_STEPS]:
        with suppress(NoteError):
            yield Succession.parse(unverified_text(note)).key


def follow(chain: Sequence[str], start: VerifierKey, end: VerifierKey) -> bool:
    """Whether a chain of notes, oldest first, leads from one key to another, each step signed by the key before it.

    Steps before `start` are passed over: they led to it. A chain that branches off leads nowhere.
    """
    here = start
    for note in chain[:MAX_STEPS]:
        if here == end:
            return True
        try:
            step = Succession.parse(verify_note(note, here))
        except NoteError:
            if here == start:
                continue
            return False
        if step.key.name != start.name:
            return False
        here = step.key
    return here == end
