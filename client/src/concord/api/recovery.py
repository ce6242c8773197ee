"""The directory's calls about the backup, and about the way back by a recovery code.

Owns their shapes. Refuses to open what it fetches: that is for `concord.recovery`. A credential goes in a body, never
in an address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import SignatureError, from_base64url, to_base64url

from ..errors import MalformedBackupError, ServiceError
from ..transport import Transport
from .shapes import Answer
from .single_sign_on import confirmed


class StoredBackup(Answer):
    """What the directory has, and how often somebody tried to fetch it with a wrong code since that was last read.

    `verifier` is that of the code in force (SHA-256 of its credential).
    """

    generation: int
    stored_at: datetime
    failed: int = 0
    last_failed_at: datetime | None = None
    used_at: datetime | None = None
    verifier: str


@dataclass(frozen=True)
class FetchedBackup:
    """A backup as it came, sealed, and the account's key history beside it, oldest first; neither was checked."""

    sealed: bytes = field(repr=False)
    generation: int
    history: tuple[SignedEntry, ...]


class RecoveryApi:
    """Calls to `/directory` about backups."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def store(self, sealed: bytes, verifier: str, generation: int) -> int:
        """Put a backup in the place of the former; its generation. Raises `ServiceError` (`backup-older`)."""
        body = {"backup": to_base64url(sealed), "verifier": verifier, "generation": generation}
        self._transport.send("PUT", "/directory/v1/backup", json=body)
        return generation

    def stored(self) -> StoredBackup | None:
        """What is stored of one's own, or None. Raises `ServiceError`, `MalformedBackupError`."""
        try:
            return StoredBackup.model_validate(self._transport.json("GET", "/directory/v1/backup"))
        except ValueError:
            raise MalformedBackupError("what the directory says of the backup cannot be read") from None
        except ServiceError as refused:
            if refused.type == "not-found":
                return None
            raise

    def acknowledge(self) -> None:
        """The wrong tries were read by their owner: count from nothing."""
        self._transport.send("DELETE", "/directory/v1/backup/failures")

    def fetch(self, account: UUID, credential: bytes) -> FetchedBackup:
        """Without an account's device: fetch its backup by the credential of its code.

        Raises `ServiceError` (`recovery-refused`, `too-many-guesses`), `MalformedBackupError`.
        """
        answer = self._transport.anonymous("POST", "/directory/v1/recoveries", json=_by(account, credential))
        try:
            return FetchedBackup(
                from_base64url(answer["backup"]), int(answer["generation"]), tuple(map(_entry, answer["entries"]))
            )
        except (SignatureError, KeyError, TypeError, ValueError):
            raise MalformedBackupError("the directory's answer holds no backup") from None

    def add_device(self, account: UUID, credential: bytes, entry: SignedEntry) -> None:
        """Without an account's device: record the entry that adds one. Raises `ServiceError`."""
        body = _by(account, credential) | {
            "entry": to_base64url(entry.entry),
            "signature": to_base64url(entry.signature),
        }
        by = {"purpose": "recovery", "practitioner": str(account), "secret": to_base64url(credential)}
        path = "/directory/v1/recoveries/device"
        confirmed(self._transport, entry, by, lambda: self._transport.anonymous("POST", path, json=body))


def _by(account: UUID, credential: bytes) -> dict[str, str]:
    return {"account": str(account), "credential": to_base64url(credential)}


def _entry(members: Any) -> SignedEntry:
    return SignedEntry(from_base64url(members["entry"]), from_base64url(members["signature"]))


__all__ = ["FetchedBackup", "RecoveryApi", "StoredBackup"]
