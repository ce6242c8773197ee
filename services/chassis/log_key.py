"""The key that signs a log: its file, its rotation, and what it signed.

Owns the key's file, with the notes by which each former key named the next (`concord_formats.succession`). Refuses any
other use: it is no key of a service and none of a person. Which log it is, its name says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note, verify_note
from concord_formats.succession import MAX_STEPS, name_successor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from . import key_files

SUCCESSION = "succession"


class Said(Protocol):
    """What a log says: a checkpoint, a count."""

    def encode(self) -> str:
        """The text to be signed."""


class TooManyStepsError(ValueError):
    """One more rotation would make the log unreadable to whoever follows its keys from the first one."""


class LogKey:
    """Signs for the log called `name`. Thread-safe.

    `succession` are the notes by which each former key named the next, oldest first; `former` those keys.
    """

    def __init__(
        self, name: str, key: Ed25519PrivateKey, succession: Sequence[str] = (), former: Sequence[VerifierKey] = ()
    ) -> None:
        self.private = key
        self.verifier = VerifierKey.of(name, key)
        self.succession = tuple(succession)
        self._known = (self.verifier, *former)

    def sign(self, said: Said) -> str:
        """The signed note of what the log says."""
        return sign_note(said.encode(), self.verifier.name, self.private)

    def signed(self, note: str) -> bool:
        """Whether it was this very key that signed a note, and none before it."""
        return _verified(note, self.verifier) is not None

    def checkpoint(self, note: str) -> Checkpoint | None:
        """The checkpoint that this key or a former one signed, or None."""
        texts = (_verified(note, key) for key in self._known)
        text = next((each for each in texts if each is not None), None)
        try:
            return None if text is None else Checkpoint.parse(text)
        except NoteError:
            return None


def read_log_key(path: Path) -> tuple[Ed25519PrivateKey, Sequence[str], Sequence[VerifierKey]]:
    """What a file holds: the key (a JWK), the notes that led to it, the keys before it. Raises OSError, ValueError."""
    members = json.loads(path.read_text())
    if not isinstance(members, dict):
        raise ValueError("a key is a JSON object")
    steps = members.pop(SUCCESSION, [])
    private = OKPKey.import_key(members).private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("the key that signs a log is a private Ed25519 key")
    return private, [step["note"] for step in steps], [VerifierKey.decode(step["from"]) for step in steps]


def make_log_key(path: Path) -> None:
    """Write a new key to `path`, mode 0600; one that is there is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        key_files.write(path, OKPKey.generate_key("Ed25519").as_dict(private=True))


def rotate_log_key(path: Path, name: str) -> None:
    """Put a new key into the file, named and signed by the one that is there. Raises OSError, ValueError.

    The file is whole at every moment, and keeps its mode.
    """
    old = LogKey(name, *read_log_key(path))
    steps = json.loads(path.read_text()).get(SUCCESSION, [])
    if len(steps) >= MAX_STEPS:  # no client follows a longer way
        raise TooManyStepsError(f"{path} has been rotated {len(steps)} times, and no reader follows more")
    new = OKPKey.generate_key("Ed25519")
    note = name_successor(old.private, name, cast(Ed25519PrivateKey, new.private_key))
    members = new.as_dict(private=True) | {SUCCESSION: [*steps, {"from": old.verifier.encode(), "note": note}]}
    key_files.write(path, members, mode=path.stat().st_mode & 0o777)


def _verified(note: str, key: VerifierKey) -> str | None:
    try:
        return verify_note(note, key)
    except NoteError:
        return None
