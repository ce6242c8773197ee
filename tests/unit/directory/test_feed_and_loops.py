"""What the directory tells messaging, and what its worker does."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from concord_formats.cosignatures import cosigned_at, own_clock
from joserfc.jwk import OKPKey
from sqlalchemy import func, select

from services.chassis import migrate
from services.chassis.bus import LocalBus
from services.chassis.process import Background
from services.chassis.service_auth import ServiceSigner
from services.directory import models
from services.directory.checkpoints import newest
from services.directory.worker import start, sweep
from tests.deployment import wait_for
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import House, problem


def headers(house: House, service: str = "messaging") -> dict[str, str]:
    return {"Authorization": house.signer(service).authorization("directory")}


def facts(house: House) -> list[dict[str, Any]]:
    """The snapshot, line by line."""
    answer = house.client.get("/v1/feed/snapshot", headers=headers(house))
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def test_a_snapshot_holds_everybody_who_enrolled_with_devices_and_standing(house: House) -> None:
    admin = house.administrator()
    person = house.practitioner(admin)
    lost = TestDevice()
    person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(person.account.adding(lost)))
    person.request("POST", f"/v1/devices/{lost.id}/revocation")
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    admin.invites("Not Yet")
    first, *told, last = facts(house)
    assert first == {"epoch": str(house.events()[0].epoch), "seq": len(house.events())}
    assert last == {"end": len(told)}
    organization = str(admin.organization)
    expected: list[dict[str, Any]] = [
        {"kind": "practitioner", "practitioner": str(admin.id), "organization": organization, "status": "active"},
        {"kind": "practitioner", "practitioner": str(person.id), "organization": organization, "status": "suspended"},
        {"kind": "device", "device": str(admin.device.id), "practitioner": str(admin.id), "status": "active"},
        {"kind": "device", "device": str(person.device.id), "practitioner": str(person.id), "status": "active"},
        {"kind": "device", "device": str(lost.id), "practitioner": str(person.id), "status": "revoked"},
    ]
    assert sorted(told, key=str) == sorted(expected, key=str)


def test_no_event_and_no_fact_names_a_person(house: House) -> None:
    person = house.practitioner(house.administrator(), name="Quetzalcoatl Canary", npi="1234567893")
    person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(person.account.rotating()))
    everything = json.dumps(facts(house)) + "".join(event.encode().decode() for event in house.events())
    for secret in ("Quetzalcoatl", "1234567893", person.device.signing.public[:40]):
        assert secret not in everything


def test_only_messaging_follows_the_feed(house: House) -> None:
    assert house.client.get("/v1/feed/snapshot", headers=headers(house, "consent")).status_code == 403
    assert house.client.get("/v1/feed/snapshot").status_code == 401
    stranger = ServiceSigner("messaging", OKPKey.generate_key("Ed25519"))
    forged = {"Authorization": stranger.authorization("directory")}
    assert problem(house.client.get("/v1/feed/snapshot", headers=forged)) == (401, "service-unauthenticated")


def test_every_event_waits_in_the_outbox_of_the_same_transaction(house: House) -> None:
    house.practitioner(house.administrator())
    with house.database.transaction() as session:
        waiting = session.scalar(select(func.count()).select_from(models.Outbox))
    assert waiting == len(house.events()) == 4


def test_the_sweep_forgets_used_assertions(house: House) -> None:
    house.administrator().sign_in()
    house.clock.pass_(120)
    sweep(house.deps)
    with house.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.UsedAssertion)) == 0


def test_the_worker_keeps_the_key_log_fresh(house: House) -> None:
    """Clients seal under no checkpoint that is older than some minutes: somebody has to renew it."""
    house.administrator()
    signed = cosigned_at(newest(house.deps), own_clock(house.deps.log_key.verifier))
    house.clock.pass_(300)
    background = Background()
    start(house.deps, LocalBus(), background)
    try:
        renewed = lambda: cosigned_at(newest(house.deps), own_clock(house.deps.log_key.verifier))  # noqa: E731
        wait_for(lambda: renewed() >= signed + 300, 30, "the checkpoint's time to be renewed")
    finally:
        background.stop()


def test_models_and_migrations_agree(house: House) -> None:
    assert migrate.differences(house.database, "directory", models.Base.metadata) == []


# For whoever has not signed in: who enrols, joins or recovers has no device yet, and shows a secret of its own.
OPEN_TO_ALL = {
    "get /.well-known/jwks.json",
    "get /.well-known/oauth-authorization-server",
    "get /fhir/metadata",
    "get /log/checkpoint",
    "get /log/key",
    "get /log/tile/{tile}",
    "post /v1/enrolments",
    "post /v1/pairings/{pairing}/answer",
    "put /v1/pairings/{pairing}/request",
    "post /v1/recoveries",
    "post /v1/recoveries/device",
    "post /v1/recovery-cases/{case}/completion",
    "post /v1/recovery-cases/{case}/entry",
    "post /v1/recovery-cases/{case}/history",
    "get /v1/single-sign-on/callback/{organization}",
    "get /v1/single-sign-on/{session}",
    "post /v1/single-sign-on",
    "post /v1/single-sign-on/{session}/confirmation",
    "post /v1/token",
}


def test_every_route_names_its_answers(house: House) -> None:
    """Each operation declares a success and the default problem; each that a person calls says how to sign in."""
    document = house.client.get("/openapi.json").get_json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            statuses = set(operation["responses"])
            assert {"default"} < statuses and any(s.startswith("2") for s in statuses), (method, path)
            assert bool(operation.get("security")) is (f"{method} {path}" not in OPEN_TO_ALL), (method, path)
    assert f"/v1/practitioners/{uuid4()}" not in document["paths"]
