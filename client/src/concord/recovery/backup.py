"""The backup: what an account takes along, as one age file to the recipient of its recovery code.

Owns sealing it, opening it, and the judgement whether an opened one may be relied on. Refuses one of another account or
identity, and one behind the account's key history: who keeps the backups could hand out an old one. What a backup holds
besides keys cannot be dated, and is not. Specified in `spec/recovery.md`, "Backup".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from concord_formats.key_entries import KeyEntry, KeyEntryError, SignedEntry, read_entry, read_history

from ..age import AgeError, HybridIdentity, decrypt_bytes, encrypt_bytes, parse_recipient
from ..devices.transfers import recipient_of
from ..errors import BackupRolledBackError, BackupTooLargeError, ForeignBackupError, MalformedBackupError
from ..errors.devices import PortableError
from ..portable import MAX_PORTABLE_BYTES, Portable

# A portable at its largest, an age header with one hybrid stanza, and 16 bytes for each 64 KiB.
MAX_BACKUP_BYTES = MAX_PORTABLE_BYTES + 32 * 1024
# The log as this person last saw it goes on by the minute; a backup is not made anew for that alone.
_MOVING = "key-log"
# Where it is the history that is not the newest one, there is no choice.
TAKE_NOTHING = "Take nothing of it, and tell the operator of the directory."


def seal_backup(portable: Portable) -> bytes:
    """The sealed backup. Raises `BackupTooLargeError`; ValueError for an account without a recovery code."""
    if portable.recovery_recipient is None:
        raise ValueError("the account has no recovery code to seal to")
    return encrypt_bytes(_encoded(portable), [parse_recipient(portable.recovery_recipient)])


def open_backup(sealed: bytes, identity: HybridIdentity) -> Portable:
    """What a backup holds, of whomever it is. Raises `MalformedBackupError`."""
    if len(sealed) > MAX_BACKUP_BYTES:
        raise MalformedBackupError(f"the backup is longer than {MAX_BACKUP_BYTES} bytes")
    try:
        return Portable.decode(decrypt_bytes(sealed, [identity]))
    except AgeError as error:
        raise MalformedBackupError(f"the backup does not open with this code, or was changed ({error})") from None
    except PortableError as error:
        raise MalformedBackupError(f"the backup opens, and {error.message}") from None


def check_backup(portable: Portable, account: UUID, history: Sequence[SignedEntry], recipient: str) -> KeyEntry:
    """Check an opened backup against the account that was asked for and its key history; the newest entry.

    `recipient` is that of the code that opened it. Raises `ForeignBackupError`, `MalformedBackupError`.
    """
    try:
        newest = read_history(history)
    except KeyEntryError as error:
        raise MalformedBackupError(f"the key history beside the backup cannot be relied on: {error}") from None
    if portable.account != account or newest.account != account:
        raise ForeignBackupError("the backup, or the key history beside it, is of another account")
    if portable.identity != newest.identity or portable.first_entry not in history:
        raise ForeignBackupError("the backup holds another identity key than the account's history")
    if portable.recovery_recipient != recipient:
        # Anybody who knows a recipient can seal to it: this one was not made by a device that had this code in force.
        raise ForeignBackupError("the backup was sealed for another recovery code")
    return newest


def check_not_behind(portable: Portable, newest: KeyEntry, *, accept_older: bool = False) -> None:
    """Refuse a backup that is older than the account's newest key entry, unless its owner accepts one.

    A history that is older than the backup nobody may accept: what is signed after it would be a second history.
    Raises `BackupRolledBackError`.
    """
    n, version = portable.n, _version(portable)
    if n > newest.n or version > newest.encryption_version:
        raise BackupRolledBackError(
            f"the directory gave an older key history: of {newest.n} entries, and the backup has seen {n}",
            TAKE_NOTHING,
            n=n,
            newest=newest.n,
        )
    if accept_older:
        return
    if n < newest.n or recipient_of(portable.encryption_seeds[-1]) != newest.encryption:
        raise BackupRolledBackError(
            f"the directory gave an older backup: made at key entry {n} and key version {version}, and the account is "
            f"at entry {newest.n} and version {newest.encryption_version}",
            n=n,
            newest=newest.n,
        )


def _version(portable: Portable) -> int:
    """The version of the newest encryption key in it: a seed for each version since the identity's first entry."""
    return read_entry(portable.first_entry).encryption_version + len(portable.encryption_seeds) - 1


def content_digest(portable: Portable) -> str:
    """SHA-256 of what is worth another backup; the order of members does not count."""
    members = json.loads(_encoded(portable))
    members["documents"].pop(_MOVING, None)
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode("ascii")).hexdigest()


def _encoded(portable: Portable) -> bytes:
    try:
        return portable.encode()
    except PortableError as error:
        raise BackupTooLargeError(error.message) from None


__all__ = [
    "MAX_BACKUP_BYTES",
    "check_backup",
    "check_not_behind",
    "content_digest",
    "open_backup",
    "seal_backup",
]
