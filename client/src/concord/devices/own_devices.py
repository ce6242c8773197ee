"""One's own devices: which there are, how one is stopped, how the encryption key is changed.

Owns the order of steps: a new key is saved before it is published, published before it is handed over. Refuses to
publish a key without having the one before it (unless
told to go on without), to stop the device that it runs on, and to overwrite what another device did meanwhile.
Specified in `spec/keys.md`, "Devices".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.key_entries import EntryKind, KeyEntry, read_entries

from ..api.devices import DevicesApi, ListedDevice
from ..colleagues import Colleagues
from ..errors.devices import DeviceError, RotationRaceError, TransferMissingError, UnknownDeviceError
from ..own_history import ATTEMPTS, OwnHistory
from ..own_keys import OwnKeys
from ..store import SealedStore
from .handing_over import HandingOver
from .transfers import recipient_of

# Each is up to 8 seconds at the directory: more than a lease and its deadline, together.
WAITS = 2


@dataclass(frozen=True)
class OwnDevice:
    """A device of one's own. `status` is "in force", "revoked", "stopped" (by an administrator, and still listed by
    one's own keys) or "unknown" (to one's own keys: the directory says something that its history does not).
    """

    id: UUID
    this: bool
    added_at: datetime | None
    last_signed_in_at: datetime | None
    status: str


@dataclass(frozen=True)
class Revoked:
    """A device that is revoked; `effective_at` is None while that does not hold everywhere yet."""

    device: UUID
    effective_at: datetime | None


@dataclass(frozen=True)
class Rotated:
    """The account has another encryption key: of this device, or of another one that did so at the same moment.

    `missed` are the devices in force that could not be given it.
    """

    version: int
    by_this_device: bool
    missed: tuple[UUID, ...]


class Devices:
    """The devices of one's own account, from one of them."""

    def __init__(self, api: DevicesApi, colleagues: Colleagues, own: OwnKeys, store: SealedStore) -> None:
        self.api = api
        self.history = OwnHistory(colleagues, own)
        self.own = own
        self._handing = HandingOver(api, self.history, own, store)
        self._directory = colleagues.directory

    def list(self) -> list[OwnDevice]:
        """Every device that the account ever had, in the order of the checked history."""
        entries = self.history.entries()
        listed = {device.id: device for device in self.api.devices()}
        added = {device.id: entry.at for entry in reversed(entries) for device in entry.devices}
        ids = [*sorted(added, key=added.__getitem__), *(id_ for id_ in listed if id_ not in added)]
        return [self._shown(id_, entries[-1], added.get(id_), listed.get(id_)) for id_ in ids]

    def revoke(self, device: UUID) -> Revoked:
        """Revoke another device of one's own, and wait until nothing is handed out to it any more.

        Again: waits again. Raises `UnknownDeviceError`, `RotationRaceError`. The key is to be rotated then (`rotate`):
        what is sealed from now on is still sealed to a key that the device has.
        """
        if device == self.own.keyring.device:
            raise DeviceError(
                "this is the device that you are on", "Revoke it from another one, or ask your administrator."
            )
        answer = self._publish_revocation(device)
        for _ in range(WAITS):
            if answer.get("effective_at"):
                return Revoked(device, datetime.fromisoformat(answer["effective_at"]))
            answer = self._directory.revoke_device(device)
        effective_at = answer.get("effective_at")
        return Revoked(device, datetime.fromisoformat(effective_at) if effective_at else None)

    def rotate(self, *, without_missing: bool = False) -> Rotated:
        """Take a new encryption key, publish it, hand it to the other devices in force.

        Interrupted, it goes on with the key that was saved. With `without_missing` it does not matter that this device
        lacks a former key, such as one that a thief published. Raises `TransferMissingError`, `RotationRaceError`.
        """
        first: int | None = None
        for _ in range(ATTEMPTS):
            before = self.own.keyring.pending_seed
            history = self.history.signed()
            entries = read_entries(history)
            self._caught_up(entries, without_missing)
            first = first or len(entries)
            if before and self.own.keyring.pending_seed is None:
                return self._done(entries[-1], by_this_device=True)  # an earlier try had published it
            if any(entry.kind is EntryKind.KEYS_CHANGED for entry in entries[first:]):
                return self._done(entries[-1], by_this_device=False)
            pending = self.own.change(lambda keyring: keyring.with_new_encryption_key()).pending_seed
            if pending and self.history.append(history[-1], encryption_recipient=recipient_of(pending)):
                return self._published(entries[-1])
        raise RotationRaceError("another device of yours changes the keys at the same moment")

    def catch_up(self, *, look: bool = False) -> bool:
        """Take over what other devices handed to this one, where something is lacking; whether that was a key.

        With `look` also where nothing is known to lack, such as a recovery code that another device made.
        Raises `TransferError` when it cannot be relied on, `TransferMissingError` when the account's newest key is not
        there.
        """
        return self._handing.catch_up(look=look)

    def look(self, clock: Callable[[], float] = time.time) -> bool:
        """As `catch_up`, with a look, at most once an hour: what a program does beside what it was asked."""
        return self._handing.look(clock())

    def hand_over(self) -> tuple[UUID, ...]:
        """Hand what this device knows to every other one in force; those that could not be reached."""
        return self._handing.hand_over()

    def keep_book(self, clock: Callable[[], float] = time.time) -> tuple[UUID, ...]:
        """Hand the address book over if it was changed since the last time; the devices that could not be reached."""
        return self._handing.keep_book(clock())

    @property
    def moved(self) -> Sequence[tuple[str, str]]:
        """Former and new alias of patients whose alias another device's address book changed, while this one ran."""
        return self._handing.moved

    @property
    def book_left_out(self) -> bool:
        """Whether the address book was too long to be handed over."""
        return self._handing.book_left_out

    def _caught_up(self, entries: Sequence[KeyEntry], without_missing: bool) -> None:
        try:
            self._handing.take_over(entries)
        except TransferMissingError:
            if not without_missing:
                raise

    def _published(self, before: KeyEntry) -> Rotated:
        self.own.change(lambda keyring: keyring.with_published_key())
        # Not asked for again: a line that is cut here must not keep the key from the other devices.
        changed = {"n": before.n + 1, "encryption_version": before.encryption_version + 1}
        return self._done(before.model_copy(update=changed), by_this_device=True)

    def _done(self, newest: KeyEntry, *, by_this_device: bool) -> Rotated:
        return Rotated(newest.encryption_version, by_this_device, self._handing.give(newest))

    def _publish_revocation(self, device: UUID) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            history = self.history.signed()
            entries = read_entries(history)
            if entries[-1].device(device) is None:
                if not any(entry.device(device) for entry in entries):
                    raise UnknownDeviceError(f"no device of yours has the id {device}")
                return {}  # revoked before: what is left is to wait
            if answer := self.history.append(history[-1], revoke_device=device):
                return answer
        raise RotationRaceError("another device of yours changes the keys at the same moment")

    def _shown(self, id_: UUID, newest: KeyEntry, added_at: datetime | None, listed: ListedDevice | None) -> OwnDevice:
        stopped = listed is not None and listed.status != "active"
        status = "in force"
        if added_at is None:
            status = "unknown"
        elif newest.device(id_) is None:
            status = "revoked"
        elif stopped:
            status = "stopped"
        return OwnDevice(
            id=id_,
            this=id_ == self.own.keyring.device,
            added_at=added_at or (listed.added_at if listed else None),
            last_signed_in_at=listed.last_signed_in_at if listed else None,
            status=status,
        )


__all__ = ["Devices", "OwnDevice", "Revoked", "Rotated"]
