"""The directory's calls about one's own devices: the list, pairings, transfers.

Owns paths and shapes. Refuses to open what it carries: requests, answers and transfers are sealed between devices.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.signatures import from_base64url, to_base64url

from ..transport import Transport
from .shapes import Answer


class ListedDevice(Answer):
    """A device as the directory knows it; `status` is active or revoked."""

    id: UUID
    status: str
    added_at: datetime
    last_signed_in_at: datetime | None = None


class OpenPairing(Answer):
    """A pairing that waits for a device until `expires_at`, by the directory's clock."""

    pairing: UUID
    expires_at: datetime


class PairingState(Answer):
    """`state` is open, requested, answered or expired."""

    state: str
    request: str | None = None


class DevicesApi:
    """Calls to `/directory` about devices of one's own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def devices(self) -> list[ListedDevice]:
        """Every device that the account ever had, oldest first."""
        return [ListedDevice.model_validate(each) for each in self._json("GET", "/devices")["devices"]]

    def open_pairing(self, verifier: str) -> OpenPairing:
        """Wait for the device that has this verifier's credential. Raises `ServiceError` (`too-many-pairings`)."""
        return OpenPairing.model_validate(self._json("POST", "/pairings", json={"verifier": verifier}))

    def pairing(self, pairing: UUID) -> PairingState:
        """Where a pairing of one's own stands."""
        return PairingState.model_validate(self._json("GET", f"/pairings/{pairing}"))

    def answer(self, pairing: UUID, sealed: bytes) -> None:
        """Answer the device that asked. Raises `ServiceError` (`pairing-taken`, `pairing-not-answerable`)."""
        self._transport.send("PUT", f"/directory/v1/pairings/{pairing}/answer", json={"answer": to_base64url(sealed)})

    def give_up(self, pairing: UUID) -> None:
        """Wait no longer."""
        self._transport.send("DELETE", f"/directory/v1/pairings/{pairing}")

    def ask(self, pairing: UUID, credential: bytes, sealed: bytes) -> None:
        """As a device that joins: say what it is. The same again is the same. Raises `ServiceError`."""
        body = {"credential": to_base64url(credential), "request": to_base64url(sealed)}
        self._transport.anonymous("PUT", f"/directory/v1/pairings/{pairing}/request", json=body)

    def fetch_answer(self, pairing: UUID, credential: bytes) -> bytes | None:
        """As a device that joins: the answer, or None while there is none. Raises `ServiceError`."""
        body = {"credential": to_base64url(credential)}
        found = self._transport.anonymous("POST", f"/directory/v1/pairings/{pairing}/answer", json=body)["answer"]
        return _bytes(found)

    def put_transfer(self, device: UUID, sealed: bytes) -> None:
        """Leave a transfer for another device of one's own, in the place of the one before."""
        self._transport.send("PUT", f"/directory/v1/devices/{device}/transfer", json={"transfer": to_base64url(sealed)})

    def own_transfer(self) -> bytes | None:
        """What another device left for this one, or None."""
        return _bytes(self._json("GET", "/devices/self/transfer")["transfer"])

    def clear_transfer(self, sealed: bytes) -> None:
        """What was read is kept; a later transfer stays where it is."""
        digest = {"digest": hashlib.sha256(sealed).hexdigest()}
        self._transport.send("DELETE", "/directory/v1/devices/self/transfer", params=digest)

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/directory/v1" + path, **request)


def _bytes(found: object) -> bytes | None:
    """What is sealed, from its base64url; what is none opens nothing, and is told where it is opened."""
    if found is None:
        return None
    try:
        return from_base64url(str(found))
    except ValueError:
        return b""
