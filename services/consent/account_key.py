"""The key that signs the account of disclosures.

Owns the key's file and what it signs: checkpoints of the log, and counts of a patient's lines. Refuses any other use:
it is no key of a service and none of a person.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from concord_formats.account import ORIGIN, AccountCount
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note, verify_note
from concord_formats.succession import MAX_STEPS, name_successor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from services.chassis import key_files
from services.chassis.config import Settings


class AccountKey:
    """Signs for the log. Thread-safe.

    `succession` are the notes by which each former key named the next, oldest first; `former` those keys.
    """

    def __init__(
        self, key: Ed25519PrivateKey, succession: Sequence[str] = (), former: Sequence[VerifierKey] = ()
    ) -> None:
        self._key = key
        self.verifier = VerifierKey.of(ORIGIN, key)
        self.succession = tuple(succession)
        self._known = (self.verifier, *former)

    @classmethod
    def from_settings(cls, settings: Settings) -> AccountKey:
        """The key in `account_key_file`. Raises OSError, `SettingError`."""
        file = settings.required_account_key()
        with key_files.named_by("CONCORD_ACCOUNT_KEY_FILE"):
            return cls.read(file)

    @classmethod
    def read(cls, path: Path) -> AccountKey:
        """The key in a file: a JWK, and with it the succession that led to it. Raises OSError, ValueError."""
        members = json.loads(path.read_text())
        steps = members.pop(SUCCESSION, [])
        private = OKPKey.import_key(members).private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("the key that signs the account of disclosures is a private Ed25519 key")
        return cls(private, [step["note"] for step in steps], [VerifierKey.decode(step["from"]) for step in steps])

    def sign(self, said: Checkpoint | AccountCount) -> str:
        """The signed note of what the log says."""
        return sign_note(said.encode(), ORIGIN, self._key)

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


SUCCESSION = "succession"


class TooManyStepsError(ValueError):
    """One more rotation would make every account unreadable to whoever follows the keys from the first one."""


def make_account_key(path: Path) -> None:
    """Write a new key to `path`, mode 0600; one that is there is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        key_files.write(path, OKPKey.generate_key("Ed25519").as_dict(private=True))


def rotate_account_key(path: Path) -> AccountKey:
    """Put a new key into the file, named and signed by the one that is there. Raises OSError, ValueError.

    The file is whole at every moment, and keeps its mode.
    """
    old = AccountKey.read(path)
    steps = json.loads(path.read_text()).get(SUCCESSION, [])
    if len(steps) >= MAX_STEPS:  # no client follows a longer way
        raise TooManyStepsError(f"{path} has been rotated {len(steps)} times, and no reader follows more")
    new = OKPKey.generate_key("Ed25519")
    note = name_successor(old._key, ORIGIN, cast(Ed25519PrivateKey, new.private_key))
    members = new.as_dict(private=True) | {SUCCESSION: [*steps, {"from": old.verifier.encode(), "note": note}]}
    key_files.write(path, members, mode=path.stat().st_mode & 0o777)
    return AccountKey.read(path)


def _verified(note: str, key: VerifierKey) -> str | None:
    try:
        return verify_note(note, key)
    except NoteError:
        return None
