"""One's own devices: the list of them, what they leave for each other, and that a revoked one gets nothing."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest
from concord_formats.signatures import to_base64url
from joserfc.jwk import OKPKey
from sqlalchemy import func, select

from services.chassis.dpop import digest
from services.directory import models
from services.directory.devices_shapes import MAX_SEALED_BYTES
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.own_devices import another_device, leave, open_pairing, revoke, verifier

NOBODY = uuid4()
# Every route for those who signed in, with a body that is right.
SIGNED_IN: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/devices", None),
    ("PUT", f"/v1/devices/{NOBODY}/transfer", {"transfer": "AAAA"}),
    ("GET", "/v1/devices/self/transfer", None),
    ("DELETE", "/v1/devices/self/transfer", None),
    ("POST", "/v1/pairings", {"verifier": verifier(b"")}),
    ("GET", f"/v1/pairings/{NOBODY}", None),
    ("DELETE", f"/v1/pairings/{NOBODY}", None),
    ("PUT", f"/v1/pairings/{NOBODY}/answer", {"answer": "AAAA"}),
    ("PUT", "/v1/backup", {"backup": "AAAA", "verifier": verifier(b""), "generation": 1}),
    ("GET", "/v1/backup", None),
    ("DELETE", "/v1/backup/failures", None),
]


@pytest.fixture
def person(house: House) -> Person:
    return house.administrator()


def listed(person: Person) -> list[dict[str, Any]]:
    """What one sees of one's devices."""
    found: list[dict[str, Any]] = person.request("GET", "/v1/devices").get_json()["devices"]
    return found


def waiting(person: Person) -> Any:
    """What was left for a device."""
    return person.request("GET", "/v1/devices/self/transfer").get_json()


def test_one_sees_ones_devices_since_when_and_when_each_last_signed_in(house: House, person: Person) -> None:
    begun = house.clock.now()
    house.clock.pass_(3600)
    second = another_device(person)
    revoke(person, second.device)
    first, gone = listed(person)
    assert (first["id"], first["status"]) == (str(person.device.id), "active")
    assert (gone["id"], gone["status"], gone["last_signed_in_at"]) == (str(second.device.id), "revoked", None)
    in_time = [begun.isoformat(), house.clock.now().isoformat()]
    assert [each["added_at"].replace("Z", "+00:00") for each in (first, gone)] == in_time
    assert first["last_signed_in_at"].replace("Z", "+00:00") == in_time[1]


def test_a_sign_in_that_is_refused_is_none(house: House, person: Person) -> None:
    second = another_device(person)
    assert second.ask_token(assertion=second.assertion(key=OKPKey.generate_key("Ed25519"))).status_code == 401
    assert listed(person)[1]["last_signed_in_at"] is None


def test_nobody_sees_the_devices_of_another(house: House, person: Person) -> None:
    other = house.practitioner(person)
    assert [device["id"] for device in listed(other)] == [str(other.device.id)]


def test_a_revoked_device_gets_nothing(person: Person) -> None:
    """Its token lasts some minutes; the directory knows better."""
    lost = another_device(person)
    lost.request("GET", "/v1/devices")
    revoke(person, lost.device)
    for method, path, body in SIGNED_IN:
        assert problem(lost.request(method, path, json=body)) == (403, "device-revoked"), (method, path)
    assert problem(lost.ask_token()) == (401, "invalid-client")


def test_a_suspended_account_gets_nothing(house: House, person: Person) -> None:
    stopped = house.practitioner(person)
    stopped.request("GET", "/v1/devices")
    person.request("POST", f"/v1/practitioners/{stopped.id}/suspension")
    for method, path, body in SIGNED_IN:
        assert problem(stopped.request(method, path, json=body)) == (403, "account-suspended"), (method, path)


def test_a_proof_that_is_used_again_or_is_of_another_is_refused(house: House, person: Person) -> None:
    token, foreign = person.sign_in(), OKPKey.generate_key("Ed25519")

    def sent(method: str, path: str, body: Any, proof: str) -> Any:
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return house.client.open(path, method=method, headers=headers, json=body)

    for method, path, body in SIGNED_IN:
        used = person.proof(method, path, ath=digest(token))
        assert sent(method, path, body, used).status_code != 401
        refused = {
            "used before": used,
            "of another key": person.proof(method, path, ath=digest(token), key=foreign),
            "of no token": person.proof(method, path),
            "of another token": person.proof(method, path, ath=digest("another token")),
            "of another method": person.proof("PATCH", path, ath=digest(token)),
            "of another address": person.proof(method, "/v1/practitioners", ath=digest(token)),
        }
        for what, proof in refused.items():
            answer = sent(method, path, body, proof)
            assert problem(answer) == (401, "invalid-dpop-proof"), (method, path, what)


def test_a_stranger_is_refused_before_the_body_is_read(house: House) -> None:
    for method, path, _ in SIGNED_IN:
        answer = house.client.open(path, method=method, data=b"no JSON, and far too much of it" * 100_000)
        assert problem(answer) == (401, "unauthenticated"), (method, path)


def test_what_one_device_leaves_another_reads_and_takes(person: Person) -> None:
    second = another_device(person)
    assert waiting(second) == {"transfer": None, "stored_at": None}
    assert leave(person, second.device.id, b"first").status_code == 204
    assert leave(person, second.device.id, b"second").status_code == 204
    assert waiting(second)["transfer"] == to_base64url(b"second")
    assert waiting(person)["transfer"] is None
    for _ in range(2):
        assert second.request("DELETE", "/v1/devices/self/transfer").status_code == 204
        assert waiting(second)["transfer"] is None


def test_a_transfer_that_came_while_the_one_before_was_read_is_not_lost(person: Person) -> None:
    second = another_device(person)
    leave(person, second.device.id, b"first")
    read = {"digest": hashlib.sha256(b"first").hexdigest()}
    leave(person, second.device.id, b"second")
    assert second.request("DELETE", "/v1/devices/self/transfer", query_string=read).status_code == 204
    assert waiting(second)["transfer"] == to_base64url(b"second")
    read = {"digest": hashlib.sha256(b"second").hexdigest()}
    second.request("DELETE", "/v1/devices/self/transfer", query_string=read)
    assert waiting(second)["transfer"] is None


def test_nothing_is_left_for_a_device_of_another_or_one_that_is_revoked(house: House, person: Person) -> None:
    other = house.practitioner(person)
    gone = another_device(person)
    leave(person, gone.device.id, b"sealed")
    revoke(person, gone.device)
    answers = [leave(person, device, b"sealed") for device in (other.device.id, uuid4(), gone.device.id)]
    assert [problem(answer) for answer in answers] == [(404, "not-found")] * 3
    assert len({answer.data for answer in answers}) == 1
    with house.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.Transfer)) == 0, "what lay there goes too"


def test_an_entry_that_removes_a_device_takes_what_lay_there_too(house: House, person: Person) -> None:
    gone = another_device(person)
    leave(person, gone.device.id, b"sealed")
    assert open_pairing(gone).status_code == 201
    entry = body_of(person.account.removing(gone.device))
    assert person.request("POST", f"/v1/practitioners/{person.id}/keys", json=entry).status_code == 201
    with house.database.transaction() as session:
        assert session.scalars(select(models.Transfer)).all() == []
        assert session.scalars(select(models.Pairing)).all() == []


def test_four_mebibytes_go_through_and_more_do_not(person: Person) -> None:
    assert leave(person, person.device.id, bytes(MAX_SEALED_BYTES)).status_code == 204
    assert len(waiting(person)["transfer"]) == (MAX_SEALED_BYTES * 4 + 2) // 3
    answer = leave(person, person.device.id, bytes(MAX_SEALED_BYTES + 1))
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "transfer")
    assert problem(leave(person, person.device.id, bytes(MAX_SEALED_BYTES + 2000))) == (413, "too-large")
    small = person.request("POST", "/v1/pairings", json={"verifier": "0" * 300_000})
    assert problem(small) == (413, "too-large"), "room is made for what is sealed alone"


def test_a_device_key_belongs_to_one_account(house: House, person: Person) -> None:
    """Else whoever signs in with it would be two people."""
    other = house.practitioner(person)
    told = house.spoken()
    for stolen in (
        TestDevice(authentication=other.device.authentication),
        TestDevice(id=other.device.id),
    ):
        entry = body_of(person.account.adding(stolen))
        person.account.entries.pop()
        answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=entry)
        assert problem(answer) == (409, "key-entry-conflict")
    assert house.spoken() == told
    assert len(listed(person)) == 1
    assert other.ask_token().status_code == 200
