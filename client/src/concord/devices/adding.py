"""Adding a device, on one that is in: the code, the wait for the new device, its entry, the account handed to it.

Owns that order. Refuses to sign for a device before a person has agreed to the id that it shows, to hand an account to
who has not the code, and a device that was revoked once. Specified in `spec/keys.md`, "Pairing".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from concord_formats.key_entries import MAX_DEVICES, DeviceKeys, KeyEntry, read_entries
from concord_formats.signatures import from_base64url

from ..errors import ServiceError, UnreachableError
from ..errors.devices import (
    PairingError,
    PairingForgedError,
    PairingOverError,
    PairingTakenError,
    RotationRaceError,
    TooManyDevicesError,
)
from ..own_history import ATTEMPTS
from ..portable import Portable
from ..seeds import read_seed
from ..store import SealedStore
from .own_devices import Devices
from .pairing import JoinRequest, PairingCode, PairingKeys, new_secret, seal_answer

POLL_SECONDS = 1.0
Wait = Callable[[float], object]


@dataclass(frozen=True)
class Opened:
    """A pairing that waits: show `code` to the new device alone."""

    code: PairingCode
    expires_at: datetime


class Adding:
    """Adding a device to one's account."""

    def __init__(self, devices: Devices, store: SealedStore, base_url: str, *, wait: Wait = time.sleep) -> None:
        self._devices = devices
        self._store = store
        self._base_url = base_url
        self._wait = wait

    def open(self) -> Opened:
        """Open a pairing. Raises `TooManyDevicesError`, `TransferMissingError`, `PortableError`, `ServiceError`."""
        self._devices.catch_up()  # a new device is to have every key
        entries = self._devices.history.entries()
        _check_room(entries[-1])
        self._portable(entries[-1].n).encode()  # what is too large is told before anything is signed
        secret = new_secret()
        opened = self._devices.api.open_pairing(PairingKeys(read_seed(secret)).verifier)
        code = PairingCode(self._base_url, self._devices.own.keyring.account, opened.pairing, secret)
        return Opened(code, opened.expires_at)

    def wait_for(self, code: PairingCode) -> JoinRequest:
        """The new device's request. Raises `PairingOverError`, `PairingForgedError`."""
        while True:
            found = self._devices.api.pairing(code.pairing)
            if found.state == "expired":
                raise PairingOverError("no device has used the code in time")
            if found.request is not None:
                return JoinRequest.open(_raw(found.request), code)
            self._wait(POLL_SECONDS)

    def answer(self, code: PairingCode, request: JoinRequest) -> tuple[UUID, ...]:
        """Make the device one's own, and hand the account to it; the other devices that were not told of it.

        A device that stands in the history already, from a pairing that was interrupted, is answered again. Raises
        `PairingError`, `TooManyDevicesError`, `RotationRaceError`, `PairingOverError`.
        """
        n = self._publish(request.device)
        known = {request.device.id: request.transfer}
        self._devices.own.change(lambda k: replace(k, transfer_recipients=dict(k.transfer_recipients) | known))
        try:
            self._devices.api.answer(code.pairing, seal_answer(self._portable(n), request, code))
        except ServiceError as refused:
            raise _told(refused) from None
        try:
            missed = self._devices.hand_over()
        except (ServiceError, UnreachableError):
            return ()  # what was asked for is done, and the new device tells the others as well
        return tuple(device for device in missed if device != request.device.id)

    def decline(self, code: PairingCode) -> None:
        """Wait no longer; nothing was signed."""
        self._devices.api.give_up(code.pairing)

    def _portable(self, n: int) -> Portable:
        return Portable.of(self._devices.own.keyring.completed(), self._store, n)

    def _publish(self, device: DeviceKeys) -> int:
        for _ in range(ATTEMPTS):
            history = self._devices.history.signed()
            entries = read_entries(history)
            if entries[-1].device(device.id) == device:
                return len(entries)
            _check_new(device, entries)
            _check_room(entries[-1])
            if self._devices.history.append(history[-1], add_device=device):
                return len(entries) + 1
        raise RotationRaceError("another device of yours changes the keys at the same moment")


def _check_room(newest: KeyEntry) -> None:
    if len(newest.devices) >= MAX_DEVICES:
        raise TooManyDevicesError(f"an account has at most {MAX_DEVICES} devices")


def _check_new(device: DeviceKeys, entries: Sequence[KeyEntry]) -> None:
    """An id or a key that the history has had does not come in again: it was revoked, or is another device's."""
    names = {str(device.id), device.signing, device.authentication}
    known = {
        name
        for entry in entries
        for each in entry.devices
        for name in (str(each.id), each.signing, each.authentication)
    }
    if names & known:
        raise PairingError(
            f"device {device.id} was revoked, or has another's keys", "On it: concord device join --new-keys"
        )


def _told(refused: ServiceError) -> PairingError | ServiceError:
    if refused.type == "pairing-taken":
        return PairingTakenError("the pairing was answered otherwise")
    if refused.type in {"pairing-not-answerable", "not-found"}:
        return PairingOverError("the pairing ended before it was answered; the new device asks again with a new code")
    return refused


def _raw(text: str) -> bytes:
    try:
        return from_base64url(text)
    except ValueError:
        raise PairingForgedError("the request is not whole") from None


__all__ = ["POLL_SECONDS", "Adding", "Opened"]
