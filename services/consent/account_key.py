"""The key that signs the account of disclosures.

Owns the key's file and what it signs: checkpoints of the log, and counts of a patient's lines. Refuses any other use:
it is no key of a service and none of a person.
"""

from __future__ import annotations

import json
from pathlib import Path

from concord_formats.account import ORIGIN, AccountCount
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, sign_note, verify_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from services.chassis.config import Settings


class AccountKey:
    """Signs for the log. Thread-safe."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = VerifierKey.of(ORIGIN, key)

    @classmethod
    def from_settings(cls, settings: Settings) -> AccountKey:
        """The key in `account_key_file`. Raises OSError, ValueError."""
        if settings.account_key_file is None:
            raise ValueError("CONCORD_ACCOUNT_KEY_FILE names the key that signs the account of disclosures")
        private = OKPKey.import_key(json.loads(settings.account_key_file.read_text())).private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("the key that signs the account of disclosures is a private Ed25519 key")
        return cls(private)

    def sign(self, said: Checkpoint | AccountCount) -> str:
        """The signed note of what the log says."""
        return sign_note(said.encode(), ORIGIN, self._key)

    def checkpoint(self, note: str) -> Checkpoint | None:
        """The checkpoint that this key signed, or None."""
        try:
            return Checkpoint.parse(verify_note(note, self.verifier))
        except NoteError:
            return None


def make_account_key(path: Path) -> None:
    """Write a new key to `path`, mode 0600; one that is there is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))
