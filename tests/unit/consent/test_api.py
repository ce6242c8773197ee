"""The consent service as a client meets it."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.vocabulary import FormStatement
from werkzeug.test import TestResponse

from services.consent.evidence import MAX_EVIDENCE_BYTES
from tests.unit.consent.browser import SIGNED, Browser, body_of
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER
from tests.unit.consent.test_account import handle, letter_event
from tests.unit.consent.world import FORM, World


def problem(answer: TestResponse) -> tuple[int, str, str | None]:
    """Status, type and field of a problem document."""
    assert answer.content_type == "application/problem+json", answer.data
    told = answer.get_json()
    return (answer.status_code, told["type"].removeprefix("urn:concord:problem:"), told.get("field"))


def test_the_whole_life_of_a_consent(browser: Browser) -> None:
    consent = browser.active()
    shown = browser.ask("GET", f"/v1/consents/{consent}", PSYCHOLOGIST).get_json()
    (version,) = shown["versions"]
    assert (shown["id"], version["version"], version["status"]) == (consent, 1, "active")
    assert version["evidence"] == {
        "sha256": hashlib.sha256(FORM).hexdigest(),
        "signed_on": "2026-11-22",
        "method": "ink",
        "size": len(FORM),
        "form": "concord",
        "language": "en",
        "statements": sorted(FormStatement),
        "signer": "patient",
        "authority": None,
        "witness": None,
        "copy_given": True,
    }
    assert version["missing"] == []
    assert [each["accepted_by"] for each in version["directions"]] == [str(PHYSICIAN.practitioner), None]
    assert version["valid_from"].endswith("Z")
    assert version["effective_at"] is not None
    revoked = browser.ask("POST", f"/v1/consents/{consent}/revocation", COLLEAGUE, json={})
    assert (revoked.status_code, revoked.get_json()["status"]) == (200, "revoked")
    assert browser.ask("POST", f"/v1/consents/{consent}/revocation").get_json() == revoked.get_json()
    again = browser.ask("GET", f"/v1/consents/{consent}").get_json()["versions"][0]
    assert (again["status"], again["revoked_at"]) == ("revoked", revoked.get_json()["revoked_at"])


def test_a_revocation_that_does_not_hold_yet_is_answered_202(browser: Browser, world: World) -> None:
    consent = browser.active()
    world.barrier.holds = False
    answer = browser.ask("POST", f"/v1/consents/{consent}/revocation")
    assert (answer.status_code, answer.get_json()["status"]) == (202, "revoking")
    assert answer.get_json()["effective_at"] is None


ROUTES = [
    ("POST", "/v1/consents"),
    ("GET", "/v1/consents"),
    ("GET", "/v1/consents/{id}"),
    ("POST", "/v1/consents/{id}/versions"),
    ("PUT", "/v1/consents/{id}/versions/1/evidence"),
    ("GET", "/v1/consents/{id}/versions/1/evidence"),
    ("POST", "/v1/consents/{id}/versions/1/acceptance"),
    ("POST", "/v1/consents/{id}/versions/1/activation"),
    ("POST", "/v1/consents/{id}/versions/1/end"),
    ("POST", "/v1/consents/{id}/revocation"),
    ("GET", "/v1/consents/{id}/disclosures"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_is_read_of_a_request_that_is_not_signed_in(browser: Browser, method: str, path: str) -> None:
    """Not even to say that its body is malformed."""
    answer = browser.unsigned(method, path.format(id=uuid4()), data=b"{", content_type="application/json")
    assert problem(answer)[:2] == (401, "unauthenticated")


def test_every_route_is_in_this_list(browser: Browser) -> None:
    document = browser.unsigned("GET", "/openapi.json").get_json()
    declared = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    expected = {(m, p.replace("/1/", "/{version}/").replace("{id}", "{consent}")) for m, p in ROUTES}
    assert declared == expected


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if "{id}" in route[1]])
def test_a_stranger_gets_404_everywhere(browser: Browser, method: str, path: str) -> None:
    consent = browser.active()
    request: dict[str, Any] = {"headers": SIGNED, "data": FORM} if method == "PUT" else {}
    if path.endswith("/versions"):
        request = {"json": body_of()}
    if path.endswith("/acceptance"):
        request = {"json": {"evidence_sha256": hashlib.sha256(FORM).hexdigest()}}
    answers = [browser.ask(method, path.format(id=at), STRANGER, **dict(request)) for at in (consent, uuid4())]
    assert {problem(answer) for answer in answers} == {(404, "not-found", None)}
    assert answers[0].get_json() == answers[1].get_json()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"purposes": ["research"]}, "purposes.0"),
        ({"information": ["diagnoses", "everything"]}, "information.1"),
        ({"sensitivity": "general"}, "sensitivity"),
        ({"patient": "Jane Roe"}, "patient"),
        ({"mutual": "yes"}, "mutual"),
        ({"discloser": {"kind": "class", "id": str(uuid4())}}, "discloser.kind"),
        ({"recipient": {"kind": "practitioner"}}, "recipient.id"),
        ({"valid_from": "2026-11-22T12:00:00"}, "valid_from"),
        ({"valid_from": 1795348800}, "valid_from"),
        ({"valid_from": "2026-02-30T12:00:00Z"}, "valid_from"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "valid_from"),
        ({"valid_until": "9999-12-31T23:59:59-14:00"}, "valid_until"),
        ({"valid_until": "9999-12-31T23:59:59Z"}, "valid_until"),
        ({"valid_until": "2026-11-01T00:00:00Z"}, "valid_until"),
        ({"note": "a word too many"}, "note"),
    ],
)
def test_terms_that_are_wrong_are_refused_by_the_field_s_name(
    browser: Browser, changed: dict[str, Any], field: str
) -> None:
    answer = browser.ask("POST", "/v1/consents", json=body_of(**changed))
    assert problem(answer) == (422, "invalid-field", field)
    assert "Jane Roe" not in answer.text


def test_an_instant_is_one_instant_in_any_zone(browser: Browser) -> None:
    made = browser.ask("POST", "/v1/consents", json=body_of(valid_until="2027-03-01T00:30:00.123456789+05:45"))
    assert made.get_json()["versions"][0]["valid_until"] == "2027-02-28T18:45:00.123456Z"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"data": b"{", "content_type": "application/json"}, (400, "malformed-json")),
        ({"data": b"[" * 200_000, "content_type": "application/json"}, (400, "malformed-json")),
        ({"data": b'{"mutual":true,"mutual":false}', "content_type": "application/json"}, (400, "malformed-json")),
        (
            {"data": b"mutual=true", "content_type": "application/x-www-form-urlencoded"},
            (415, "unsupported-media-type"),
        ),
        ({"data": b" " * 300_000, "content_type": "application/json"}, (413, "too-large")),
    ],
)
def test_a_body_that_is_no_json_object_is_a_problem(
    browser: Browser, sent: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(browser.ask("POST", "/v1/consents", **sent))[:2] == expected


def test_an_incomplete_consent_is_told_what_is_missing(browser: Browser) -> None:
    consent = browser.draft(purposes=[])
    answer = browser.ask("POST", f"/v1/consents/{consent}/versions/1/activation")
    assert problem(answer)[:2] == (409, "consent-incomplete")
    named = {each["element"]: each["citation"] for each in answer.get_json()["missing"]}
    assert {"purpose", "signature", "signature-date", "conditioning", "acceptance"} <= set(named)
    assert "patient" not in named
    assert named["purpose"] == "45 CFR 164.508(c)(1)(iv)"


def test_the_directory_s_silence_is_a_503_that_says_when_to_come_back(browser: Browser, world: World) -> None:
    world.register.away = True
    answer = browser.ask("POST", "/v1/consents", json=body_of())
    assert problem(answer)[:2] == (503, "peer-unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def put(browser: Browser, consent: str, **request: Any) -> TestResponse:
    headers = SIGNED | request.pop("changed", {})
    headers = {name: value for name, value in headers.items() if value is not None}
    return browser.ask("PUT", f"/v1/consents/{consent}/versions/1/evidence", headers=headers, **request)


def test_evidence_is_fetched_as_it_was_sent(browser: Browser) -> None:
    consent = browser.draft()
    form = FORM + bytes(3 * 1024 * 1024)
    assert put(browser, consent, data=form).status_code == 200
    fetched = browser.ask("GET", f"/v1/consents/{consent}/versions/1/evidence", COLLEAGUE)
    assert (fetched.data, fetched.content_type) == (form, "application/octet-stream")
    assert fetched.headers["Content-Length"] == str(len(form))


def test_evidence_of_the_largest_size_is_accepted_and_one_byte_more_is_not(browser: Browser) -> None:
    consent = browser.draft()
    assert put(browser, consent, data=FORM.ljust(MAX_EVIDENCE_BYTES, b"x")).status_code == 200
    assert problem(put(browser, consent, data=FORM.ljust(MAX_EVIDENCE_BYTES + 1, b"x")))[:2] == (413, "too-large")


def test_the_limit_counts_what_is_read_and_not_what_was_announced(browser: Browser) -> None:
    """An endless body without a length is cut off; what was announced and never came is a truncated one."""
    consent = browser.draft()
    endless = io.BytesIO(FORM.ljust(MAX_EVIDENCE_BYTES + 2, b"x"))
    streamed = {"wsgi.input_terminated": True}
    answer = put(browser, consent, input_stream=endless, environ_overrides=streamed)
    assert problem(answer)[:2] == (413, "too-large")
    announced = {"CONTENT_LENGTH": str(len(FORM) + 100)}
    short = put(browser, consent, input_stream=io.BytesIO(FORM), environ_overrides=announced)
    assert problem(short)[:2] == (400, "truncated")
    assert browser.ask("GET", f"/v1/consents/{consent}/versions/1/evidence").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"Concord-Signed-On": "22.11.2026"}, "Concord-Signed-On"),
        ({"Concord-Signed-On": "0"}, "Concord-Signed-On"),
        ({"Concord-Signed-On": "2026-02-30"}, "Concord-Signed-On"),
        ({"Concord-Signed-On": None}, "Concord-Signed-On"),
        ({"Concord-Signature-Method": "wax"}, "Concord-Signature-Method"),
        ({"Concord-Form": "theirs"}, "Concord-Form"),
        ({"Concord-Form-Language": "tlh"}, "Concord-Form-Language"),
        ({"Concord-Form-Statements": "right-to-revoke,right-to-pizza"}, "Concord-Form-Statements"),
        ({"Concord-Form-Statements": "x" * 4000}, "Concord-Form-Statements"),
        ({"Concord-Signer": "neighbour"}, "Concord-Signer"),
        ({"Concord-Signer": "patient", "Concord-Signer-Authority": "parent"}, "Concord-Signer-Authority"),
        ({"Concord-Signer-Authority": "<b>parent</b>"}, "Concord-Signer-Authority"),
        ({"Concord-Witness": "Dr. Who"}, "Concord-Witness"),
        ({"Concord-Copy-Given": "perhaps"}, "Concord-Copy-Given"),
        ({"Concord-Signed-On": "2031-01-01"}, "Concord-Signed-On"),
    ],
)
def test_what_is_attested_of_the_signature_is_checked(browser: Browser, changed: dict[str, Any], field: str) -> None:
    answer = put(browser, browser.draft(), data=FORM, changed=changed)
    assert problem(answer) == (422, "invalid-field", field)


def test_a_form_in_the_clear_is_refused(browser: Browser) -> None:
    assert problem(put(browser, browser.draft(), data=b"%PDF-1.7"))[:2] == (422, "evidence-not-sealed")


def test_lists_go_on_page_after_page(browser: Browser) -> None:
    made = [browser.draft() for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = browser.ask("GET", f"/v1/consents?limit=2{cursor}", COLLEAGUE).get_json()
        seen += [each["id"] for each in page["consents"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == sorted(made)
    assert browser.ask("GET", "/v1/consents", STRANGER).get_json() == {"consents": [], "next": None}


@pytest.mark.parametrize("query", ["cursor=abc", "cursor=WyJ4IiwieSJd", "limit=0", "limit=9999", "limit=x", "page=2"])
def test_a_page_that_is_none_is_refused(browser: Browser, query: str) -> None:
    assert problem(browser.ask("GET", f"/v1/consents?{query}"))[0] == 422


@pytest.mark.parametrize("query", ["cursor=Wy0xXQ", "cursor=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", "cursor=WyJ4Il0"])
def test_a_cursor_of_the_account_that_is_none_is_refused(browser: Browser, query: str) -> None:
    consent = browser.draft()
    assert problem(browser.ask("GET", f"/v1/consents/{consent}/disclosures?{query}"))[0] == 422


@pytest.mark.parametrize("path", ["/v1/consents/nonsense", f"/v1/consents/{UUID(int=1)}/versions/0/evidence"])
def test_an_address_that_names_nothing_is_a_problem(browser: Browser, path: str) -> None:
    assert problem(browser.ask("GET", path))[0] == 422


def test_the_account_is_shown_to_the_parties(browser: Browser, world: World) -> None:
    consent = browser.active()
    for _ in range(3):
        handle(world, letter_event(UUID(consent)))
    first = browser.ask("GET", f"/v1/consents/{consent}/disclosures?limit=2", PSYCHOLOGIST).get_json()
    rest = browser.ask("GET", f"/v1/consents/{consent}/disclosures?cursor={first['next']}", PSYCHOLOGIST).get_json()
    lines = first["disclosures"] + rest["disclosures"]
    assert len(lines) == 3
    assert rest["next"] is None
    assert (lines[0]["event"], lines[0]["at"]) == ("released", "2026-11-23T12:00:00Z")


def test_a_line_says_in_whose_name_the_letter_was_sent_and_to_which_team(browser: Browser, world: World) -> None:
    consent, delegator, team = browser.active(), str(uuid4()), str(uuid4())
    handle(world, letter_event(UUID(consent), patient=PATIENT, on_behalf_of=delegator, team=team, n=1))
    handle(world, letter_event(UUID(consent), patient=PATIENT, n=2))
    handle(world, letter_event(UUID(consent), patient=PATIENT, on_behalf_of=["not", "an", "id"], n=3))
    page = browser.ask("GET", f"/v1/consents/{consent}/disclosures", PSYCHOLOGIST).get_json()
    said = [(each["on_behalf_of"], each["team"]) for each in page["disclosures"]]
    assert said == [(delegator, team), (None, None), (None, None)], "what cannot be read keeps no line from being shown"


def test_the_document_declares_a_problem_for_every_route(browser: Browser) -> None:
    document = browser.unsigned("GET", "/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    for item in document["paths"].values():
        for operation in item.values():
            refused = operation["responses"]["401"]["content"]
            assert list(refused) == ["application/problem+json"]
            assert operation["security"]
