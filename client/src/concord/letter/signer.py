"""Whose device signed: the place of a signing key in its owner's key history.

Owns the one rule of which device counts. A device counts when the newest entry of the history lists it; and, for a
letter that was sealed before its device was retired, when the entry that was newest at `sealed_at` lists it. Refuses
every other device, also one that its owner had at another time.

`sealed_at` is the sender's own word. A stolen device could date a letter back to before its revocation; that such a
letter is not released is for the services, which refuse the device itself. Specified in `spec/letter.md`, "Signer".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.key_entries import KeyEntry, KeyEntryError, SignedEntry, read_entries

from ..errors import BadHistoryError, RevokedDeviceError, UnknownSignerError

# An entry that was checked before (the newest), or the whole signed history.
Keys = KeyEntry | Sequence[SignedEntry]
# The keys of whoever sent a letter, or how to get them from a practitioner's id.
SenderKeys = KeyEntry | Callable[[UUID], Keys]


@dataclass(frozen=True)
class Signer:
    """Who signed, with which device; `in_force` is False when the device was revoked after it had signed."""

    practitioner: UUID
    device: UUID
    signing_key: str
    in_force: bool


def find_signer(keys: Keys, device: UUID, at: datetime) -> Signer:
    """The device that could sign at a moment, by the keys of its account.

    Raises `RevokedDeviceError`, `UnknownSignerError`, or `BadHistoryError` when the history itself is not sound.
    """
    entries = _entries(keys)
    newest = entries[-1]
    if found := newest.device(device):
        return Signer(newest.account, device, found.signing, in_force=True)
    then = [entry for entry in entries if entry.at <= at]
    if then and (found := then[-1].device(device)):
        return Signer(newest.account, device, found.signing, in_force=False)
    if any(entry.device(device) for entry in entries):
        raise RevokedDeviceError("it was signed by a device that was not, or no longer, its owner's at that time")
    raise UnknownSignerError("it was signed by a device that the keys at hand do not know")


def resolve(keys: SenderKeys, sender: UUID) -> Keys:
    """The sender's keys."""
    return keys if isinstance(keys, KeyEntry) else keys(sender)


def _entries(keys: Keys) -> Sequence[KeyEntry]:
    if isinstance(keys, KeyEntry):
        return [keys]
    try:
        return read_entries(keys)
    except KeyEntryError as error:
        raise BadHistoryError(f"the signer's key history cannot be relied on: {error}") from None


__all__ = ["Keys", "SenderKeys", "Signer", "find_signer", "resolve"]
