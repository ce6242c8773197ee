"""The key that signs the account of disclosures.

Owns its name, and which setting names its file. Refuses any other use: checkpoints of the log and counts of a patient's
lines are all that it signs. What is common to the keys of logs is `services.chassis.log_key`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from concord_formats.account import ORIGIN
from concord_formats.notes import VerifierKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis import key_files
from services.chassis.config import Settings
from services.chassis.log_key import LogKey, TooManyStepsError, make_log_key, read_log_key, rotate_log_key


class AccountKey(LogKey):
    """Signs for the account's log. Thread-safe."""

    def __init__(
        self, key: Ed25519PrivateKey, succession: Sequence[str] = (), former: Sequence[VerifierKey] = ()
    ) -> None:
        super().__init__(ORIGIN, key, succession, former)

    @classmethod
    def from_settings(cls, settings: Settings) -> AccountKey:
        """The key in `account_key_file`. Raises OSError, `SettingError`."""
        file = settings.required_account_key()
        with key_files.named_by("CONCORD_ACCOUNT_KEY_FILE"):
            return cls.read(file)

    @classmethod
    def read(cls, path: Path) -> AccountKey:
        """The key in a file: a JWK, and with it the succession that led to it. Raises OSError, ValueError."""
        return cls(*read_log_key(path))


make_account_key = make_log_key


def rotate_account_key(path: Path) -> AccountKey:
    """Put a new key into the file, named and signed by the one that is there. Raises OSError, ValueError.

    The file is whole at every moment, and keeps its mode.
    """
    rotate_log_key(path, ORIGIN)
    return AccountKey.read(path)


__all__ = ["AccountKey", "TooManyStepsError", "make_account_key", "rotate_account_key"]
