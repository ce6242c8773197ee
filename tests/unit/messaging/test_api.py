"""Messaging over HTTP: what a client sees."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from concord_formats.signatures import from_base64url, to_base64url

from services.chassis import failpoints
from services.messaging.handout import HandoutEndedError
from services.messaging.intake import LETTER_TYPE

from .site import Site, empty, problem, receipt
from .world import AGE, PATIENT, Clinician, digest, framed, grant


def test_the_story_of_a_letter(site: Site) -> None:
    world = site.world
    address, body = world.address(), AGE + b"sealed"
    sent = site.put(address.letter, framed(address, body))
    assert sent.status_code == 201
    assert sent.json["state"] == "released"
    assert sent.json["deliveries"][0]["recipient"] == str(world.psychologist.id)
    (entry,) = site.get("/v1/inbox").json["letters"]
    assert from_base64url(entry["address"]) == address.encode()
    assert (entry["letter"], entry["size"]) == (str(address.letter), len(framed(address, body)))
    fetched = site.get(f"/v1/letters/{address.letter}/content")
    assert fetched.data == framed(address, body)
    assert fetched.headers["Content-Length"] == str(len(fetched.data))
    assert fetched.content_type == LETTER_TYPE
    assert fetched.headers["Cache-Control"] == "no-store"
    said = receipt(site, address.letter, digest(address, body))
    for _ in range(2):
        path = f"/v1/letters/{address.letter}/receipt"
        assert site.ask("POST", path, world.psychologist, json=said).status_code == 204
    seen = site.get(f"/v1/letters/{address.letter}", world.physician).json
    assert seen["deliveries"][0]["receipt"] == said
    assert seen["deliveries"][0]["opened_at"] == "2026-11-23T09:05:00Z"
    assert [each["letter"] for each in site.get("/v1/sent", world.physician).json["letters"]] == [str(address.letter)]
    assert world.events() == ["letter-released", "letter-handed-out", "letter-opened"]


def test_the_first_receipt_stays(site: Site) -> None:
    address, body = site.world.address(), AGE
    site.put(address.letter, framed(address, body))
    site.get(f"/v1/letters/{address.letter}/content")
    path = f"/v1/letters/{address.letter}/receipt"
    first = receipt(site, address.letter, digest(address, body))
    later = receipt(site, address.letter, digest(address, body), opened_at="2026-11-24T09:05:00Z")
    for said in (first, later):
        assert site.ask("POST", path, site.world.psychologist, json=said).status_code == 204
    seen = site.get(f"/v1/letters/{address.letter}", site.world.physician).json
    assert seen["deliveries"][0]["receipt"] == first


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"letter": str(uuid4())}, "receipt.letter"),
        ({"recipient": str(uuid4())}, "receipt.recipient"),
        ({"device": str(uuid4())}, "receipt.device"),
        ({"letter_sha256": "0" * 64}, "receipt.letter_sha256"),
        ({"letter_sha256": "0" * 63}, "receipt.letter_sha256"),
        ({"opened_at": "0001-01-01T00:00:00+14:00"}, "receipt.opened_at"),
        ({"opened_at": "2026-11-23T09:05:00"}, "receipt.opened_at"),
        ({"more": 1}, "receipt.more"),
        ({"v": 2}, "receipt.v"),
    ],
)
def test_a_receipt_that_speaks_of_something_else_is_refused(site: Site, changed: dict[str, Any], field: str) -> None:
    address = site.world.address()
    site.put(address.letter, framed(address, AGE))
    site.get(f"/v1/letters/{address.letter}/content")
    said = receipt(site, address.letter, digest(address, AGE), **changed)
    response = site.ask("POST", f"/v1/letters/{address.letter}/receipt", site.world.psychologist, json=said)
    assert problem(response) == (422, "invalid-field")
    assert response.json["field"] == field


def test_a_receipt_needs_a_hand_out_and_a_recipient(site: Site) -> None:
    address = site.world.address()
    site.put(address.letter, framed(address, AGE))
    path, said = f"/v1/letters/{address.letter}/receipt", receipt(site, address.letter, digest(address, AGE))
    assert problem(site.ask("POST", path, site.world.psychologist, json=said)) == (409, "not-fetched")
    for who in (site.world.physician, site.world.stranger):
        assert problem(site.ask("POST", path, who, json=said))[0] == 404
    short = said | {"signature": to_base64url(b"x")}
    assert problem(site.ask("POST", path, site.world.psychologist, json=short))[0] == 422
    garbled = said | {"receipt": "%%%"}
    assert problem(site.ask("POST", path, site.world.psychologist, json=garbled))[0] == 422


def test_a_refusal_is_a_problem_that_names_why(site: Site) -> None:
    site.world.revoke()
    letter, response = site.send()
    assert problem(response) == (403, "consent-revoked")
    assert response.json["refusals"] == [{"recipient": str(site.world.psychologist.id), "reason": "consent-revoked"}]
    assert site.get(f"/v1/letters/{letter}", site.world.physician).status_code == 404


def test_a_letter_not_yet_opened_can_no_longer_be_fetched_after_a_revocation(site: Site) -> None:
    letter, _ = site.send()
    site.world.revoke()
    assert problem(site.get(f"/v1/letters/{letter}/content")) == (403, "consent-revoked")


def test_a_held_letter_is_accepted_and_its_sender_sees_it(site: Site) -> None:
    site.world.lapse()
    letter, response = site.send()
    assert (response.status_code, response.json["state"], response.json["reason"]) == (202, "held", "lease-lapsed")
    seen = site.get(f"/v1/letters/{letter}", site.world.physician).json
    assert seen["deliveries"] == [{"recipient": str(site.world.psychologist.id), "state": "held"}]
    assert site.get(f"/v1/letters/{letter}").status_code == 404


def test_a_closed_gate_says_when_to_come_back(site: Site) -> None:
    letter, _ = site.send()
    site.world.lapse()
    response = site.get(f"/v1/letters/{letter}/content")
    assert problem(response) == (503, "gate-closed")
    assert response.headers["Retry-After"]


def test_the_same_bytes_again_are_200(site: Site) -> None:
    address = site.world.address()
    assert [site.put(address.letter, framed(address, AGE)).status_code for _ in range(3)] == [201, 200, 200]
    assert problem(site.put(address.letter, framed(address, AGE + b"x"))) == (409, "letter-id-taken")


def test_nobody_is_let_in_unsigned(site: Site) -> None:
    letter = uuid4()
    for method, path in (
        ("PUT", f"/v1/letters/{letter}"),
        ("GET", f"/v1/letters/{letter}"),
        ("GET", f"/v1/letters/{letter}/content"),
        ("POST", f"/v1/letters/{letter}/receipt"),
        ("GET", "/v1/inbox"),
        ("GET", "/v1/sent"),
    ):
        assert problem(site.ask(method, path, None))[0] == 401


def test_a_stranger_sees_no_letter_and_a_recipient_only_their_own_copy(site: Site) -> None:
    world = site.world
    colleague = Clinician(organization=world.psychologist.organization)
    world.enrol(colleague)
    party = {"kind": "organization", "id": str(colleague.organization)}
    world.activate(grants=[grant(world.physician, world.psychologist) | {"recipient": party}])
    letter, _ = site.send(recipients=(world.psychologist.id, colleague.id))
    assert site.get(f"/v1/letters/{letter}", world.stranger).status_code == 404
    assert site.get(f"/v1/letters/{letter}/content", world.stranger).status_code == 404
    (own,) = site.get(f"/v1/letters/{letter}", colleague).json["deliveries"]
    assert own["recipient"] == str(colleague.id)
    assert len(site.get(f"/v1/letters/{letter}", world.physician).json["deliveries"]) == 2


def test_an_inbox_goes_on_from_its_cursor(site: Site) -> None:
    letters = [str(site.send()[0]) for _ in range(3)]
    first = site.get("/v1/inbox?limit=2").json
    rest = site.get(f"/v1/inbox?after={first['next']}").json
    assert [entry["letter"] for entry in first["letters"] + rest["letters"]] == letters
    nothing = site.get(f"/v1/inbox?after={rest['next']}&wait=0.05").json
    assert nothing == {"letters": [], "next": rest["next"]}


def test_sent_letters_come_in_pages(site: Site) -> None:
    letters = []
    for _ in range(5):
        letters.append(str(site.send()[0]))
        site.world.clock.move(1)
    seen, after = [], ""
    while True:
        page = site.get(f"/v1/sent?limit=2{after}", site.world.physician).json
        seen += [each["letter"] for each in page["letters"]]
        if not (following := page.get("next")):
            break
        after = f"&after={following}"
    assert seen == letters
    for wrong in ("x", to_base64url(b'["x","y"]'), to_base64url(b'["0001-01-01T00:00:00+14:00","y"]')):
        assert problem(site.get(f"/v1/sent?after={wrong}", site.world.physician))[0] == 422


def test_a_hand_out_that_is_stopped_ends_short(site: Site) -> None:
    letter, _ = site.send(AGE + b"x" * 300_000)
    response = site.ask("GET", f"/v1/letters/{letter}/content", site.world.psychologist, buffered=False)
    windows = response.iter_encoded()
    received = len(next(windows))
    site.world.revoke()
    with pytest.raises(HandoutEndedError):
        for window in windows:
            received += len(window)
    assert received < int(response.headers["Content-Length"])


def test_an_unforeseen_failure_tells_nothing_and_keeps_nothing(site: Site) -> None:
    failpoints.arm({"gate.before_commit": "raise"})
    _, response = site.send(AGE + b"x" * 1_500_000)
    assert problem(response) == (500, "internal")
    assert empty(site.world)


def test_no_answer_speaks_of_the_patient_beyond_the_address(site: Site) -> None:
    site.world.revoke()
    _, response = site.send()
    assert PATIENT not in response.text


def test_the_openapi_document_declares_the_sealed_bodies(site: Site) -> None:
    document = site.client.get("/openapi.json").json
    route = document["paths"]["/v1/letters/{letter}"]["put"]
    assert route["requestBody"]["content"][LETTER_TYPE]["schema"] == {"type": "string", "format": "binary"}
    content = document["paths"]["/v1/letters/{letter}/content"]["get"]["responses"]["200"]["content"]
    assert LETTER_TYPE in content
    assert set(document["paths"]) == {
        "/v1/letters/{letter}",
        "/v1/letters/{letter}/content",
        "/v1/letters/{letter}/receipt",
        "/v1/inbox",
        "/v1/sent",
        "/v1/teams/{team}/letters",
    }
