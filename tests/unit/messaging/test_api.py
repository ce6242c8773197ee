"""Messaging over HTTP: what a client sees, and what a hostile one may try."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.signatures import from_base64url, to_base64url
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.chassis import failpoints
from services.chassis.auth import AccessToken
from services.chassis.db import Database
from services.chassis.problems import Problem
from services.chassis.web import service_app
from services.messaging import api, models
from services.messaging.handout import HandoutEndedError
from services.messaging.intake import LETTER_TYPE

from .world import AGE, PATIENT, Clinician, World, digest, framed, grant, settings

MAX = 2 * 1024 * 1024


class TrustingAuthenticator:
    """Takes whoever the test says they are; nobody, when it says nothing."""

    def __init__(self) -> None:
        self.caller: Clinician | None = None

    def authenticate(self, _: object) -> AccessToken:
        if self.caller is None:
            raise Problem(401, "unauthenticated", "Not signed in", "Sign in.")
        return AccessToken(self.caller.caller, "thumbprint", 0)


class Site:
    """The app over a small world, and a client that signs in as whoever it is told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.authenticator = TrustingAuthenticator()
        configured = settings()
        configured.service, configured.public_url = "messaging", "http://concord.test/messaging"
        app = service_app(configured, [api.messaging], dict, authenticator=self.authenticator)  # type: ignore[arg-type]
        app.extensions[api.EXTENSION] = world.desk
        self.app = app
        self.client: FlaskClient = app.test_client()

    def ask(self, method: str, path: str, who: Clinician | None, **more: Any) -> TestResponse:
        self.authenticator.caller = who
        return self.client.open(path, method=method, **more)

    def get(self, path: str, who: Clinician | None = None) -> TestResponse:
        return self.ask("GET", path, who or self.world.psychologist)

    def put(self, letter: UUID, body: bytes, **more: Any) -> TestResponse:
        return self.ask(
            "PUT", f"/v1/letters/{letter}", self.world.physician, **({"data": body, "content_type": LETTER_TYPE} | more)
        )

    def stream(self, letter: UUID, body: Any, announced: int | None) -> TestResponse:
        """Send a body that is read as it comes; None: chunked, so that nothing is announced."""
        how = {"wsgi.input_terminated": True} if announced is None else {"CONTENT_LENGTH": str(announced)}
        return self.put(letter, b"", environ_overrides={"wsgi.input": body} | how)

    def send(self, body: bytes = AGE + b"sealed", **changed: Any) -> tuple[UUID, TestResponse]:
        address = self.world.address(**changed)
        return address.letter, self.put(address.letter, framed(address, body))


@pytest.fixture
def site(sqlite_database: Database) -> Iterator[Site]:
    world = World(sqlite_database, letter_max_bytes=MAX)
    yield Site(world)
    world.close()


def problem(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    return response.status_code, response.json["type"].rpartition(":")[2]


def empty(world: World) -> bool:
    tables = (models.LetterRow, models.DeliveryRow, models.ChunkRow, models.UploadRow)
    return not any(world.rows(table) for table in tables)


def receipt(site: Site, letter: UUID, body: str, /, **changed: Any) -> dict[str, str]:
    said = {
        "v": 1,
        "letter": str(letter),
        "recipient": str(site.world.psychologist.id),
        "device": str(site.world.psychologist.device),
        "letter_sha256": body,
        "opened_at": "2026-11-23T09:05:00Z",
    } | changed
    return {"receipt": to_base64url(json.dumps(said).encode()), "signature": to_base64url(bytes(64 + 3309))}


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


class Endless(io.RawIOBase):
    """A body that never ends, and says how much of it was read."""

    def __init__(self, head: bytes) -> None:
        self.head, self.taken = head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.head[self.taken : self.taken + len(buffer)] or b"x" * len(buffer)
        buffer[: len(piece)] = piece
        self.taken += len(piece)
        return len(piece)


def test_an_endless_body_is_refused_while_it_is_read(site: Site) -> None:
    """Without a length (chunked), the server must count for itself."""
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, None)
    assert problem(response) == (413, "too-large")
    assert endless.taken <= MAX + 2 * 1024 * 1024
    assert empty(site.world)


def test_ten_gigabytes_announced_as_one_kilobyte_are_one_kilobyte(site: Site) -> None:
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, 1024)
    assert response.status_code == 201
    assert endless.taken <= 1024
    assert sum(len(row.body) for row in site.world.rows(models.ChunkRow)) < 1024


def test_a_body_announced_too_large_is_refused_before_it_is_read(site: Site) -> None:
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, 10 * 1024**3)
    assert problem(response) == (413, "too-large")
    assert endless.taken == 0


@pytest.mark.parametrize("size", [10, 1024 * 1024 + 10])
def test_a_body_cut_short_leaves_nothing(site: Site, size: int) -> None:
    address = site.world.address()
    body = framed(address, AGE + b"x" * size)
    response = site.stream(address.letter, io.BytesIO(body), len(body) + 5)
    assert problem(response) == (400, "truncated")
    assert empty(site.world)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\n", 400),
        (b"{}", 400),
        (b"{}\n", 400),
        (b"{}\nage-encryption.org/v2\n", 400),
        (b"{}\n" + AGE, 422),
        (b"[]\n" + AGE, 422),
        (b"\xff\xfe\n" + AGE, 422),
        (b"x" * 20_000, 422),
        (b"x" * 20_000 + b"\n" + AGE, 422),
        (b"[" * 16_000 + b"\n" + AGE, 422),
    ],
)
def test_a_malformed_letter_is_refused_by_name(site: Site, body: bytes, status: int) -> None:
    response = site.put(uuid4(), body)
    assert problem(response)[0] == status
    assert empty(site.world)


def test_a_letter_of_another_type_is_refused(site: Site) -> None:
    address = site.world.address()
    response = site.put(address.letter, framed(address, AGE), content_type="application/json")
    assert problem(response) == (415, "unsupported-media-type")


def test_a_letter_of_another_is_refused(site: Site) -> None:
    _, response = site.send(sender=site.world.stranger.id)
    assert problem(response) == (403, "not-the-sender")


def test_the_path_must_name_the_letter(site: Site) -> None:
    address = site.world.address()
    response = site.put(uuid4(), framed(address, AGE))
    assert (problem(response), response.json["field"]) == ((422, "invalid-field"), "letter")
    assert problem(site.ask("GET", "/v1/letters/not-an-id", site.world.physician))[0] == 422


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "wait=-1", "wait=nan", "wait=inf", "limit=0", "limit=201", "x=1"]
)
def test_a_wrong_query_is_refused(site: Site, query: str) -> None:
    assert problem(site.get(f"/v1/inbox?{query}"))[0] == 422


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
    }
