"""Further devices for people of a house, and what they say to the directory about their keys."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from concord_formats.signatures import to_base64url

from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import Person

RIGHT = b"r" * 32
WRONG = b"w" * 32


def verifier(credential: bytes) -> str:
    """What the directory is told of a credential."""
    return hashlib.sha256(credential).hexdigest()


def another_device(person: Person) -> Person:
    """The same person at one more device."""
    device = TestDevice()
    answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(person.account.adding(device)))
    assert answer.status_code == 201, answer.data
    return Person(person.house, person.account, device, person.organization)


def revoke(person: Person, device: TestDevice) -> None:
    """Stop a device of one's own."""
    assert person.request("POST", f"/v1/devices/{device.id}/revocation").status_code == 200


def leave(person: Person, device: UUID, sealed: bytes, **more: Any) -> Any:
    """The answer to leaving a transfer."""
    body = {"transfer": to_base64url(sealed)}
    return person.request("PUT", f"/v1/devices/{device}/transfer", json=body, **more)


def open_pairing(person: Person, credential: bytes = RIGHT, **more: Any) -> Any:
    """The answer to opening a pairing."""
    return person.request("POST", "/v1/pairings", json={"verifier": verifier(credential)}, **more)


def ask_to_join(client: Any, pairing: object, credential: bytes = RIGHT, sealed: bytes = b"request") -> Any:
    """The answer to the request of a joining device."""
    body = {"credential": to_base64url(credential), "request": to_base64url(sealed)}
    return client.put(f"/v1/pairings/{pairing}/request", json=body)


def answer_to(person: Person, pairing: object, sealed: bytes = b"answer") -> Any:
    """The answer to the owner's answer."""
    return person.request("PUT", f"/v1/pairings/{pairing}/answer", json={"answer": to_base64url(sealed)})


def take(client: Any, pairing: object, credential: bytes = RIGHT) -> Any:
    """What a joining device gets."""
    return client.post(f"/v1/pairings/{pairing}/answer", json={"credential": to_base64url(credential)})


def back_up(person: Person, generation: int, credential: bytes = RIGHT, sealed: bytes = b"sealed", **more: Any) -> Any:
    """The answer to a backup."""
    body = {"backup": to_base64url(sealed), "verifier": verifier(credential), "generation": generation}
    return person.request("PUT", "/v1/backup", json=body, **more)


def recover(client: Any, account: UUID, credential: bytes = RIGHT, address: str = "203.0.113.1", **more: Any) -> Any:
    """The answer to whoever recovers; with the members of an entry, that of adding a device."""
    body = {"account": str(account), "credential": to_base64url(credential)} | more
    path = "/v1/recoveries/device" if more else "/v1/recoveries"
    return client.post(path, json=body, environ_base={"REMOTE_ADDR": address})
