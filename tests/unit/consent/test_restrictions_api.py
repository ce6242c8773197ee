"""Restrictions, declined records and explanations as a client meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from services.consent.explain_api import explanations
from services.consent.restrictions_api import restrictions
from tests.unit.chassis.visitor import IssuerKeys, Visitor
from tests.unit.consent.browser import Browser, make_app
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER
from tests.unit.consent.test_api import problem
from tests.unit.consent.world import BASE, World

load_all_checks()
# A date that no calendar has, an organization of somebody else's: the schema allows what is rightly refused.
TOO_STRICT = CHECKS.get_one("positive_data_acceptance")
OURS = {"kind": "organization", "id": str(PHYSICIAN.organization)}
THEIRS = {"kind": "organization", "id": str(PSYCHOLOGIST.organization)}
ASKED = {
    "patient": PATIENT,
    "discloser": OURS,
    "recipient": None,
    "information": [],
    "sensitivity": ["hiv", "genetic"],
    "requested_on": "2026-11-20",
    "agreed": True,
}
DECLINED = {"patient": PATIENT, "with": THEIRS, "declined_on": "2026-11-20"}
QUESTION = {
    "patient": PATIENT,
    "to": str(PSYCHOLOGIST.practitioner),
    "purpose": "treatment",
    "information": ["diagnoses"],
    "sensitivity": ["hiv"],
}
ROUTES = [
    ("POST", "/v1/restrictions"),
    ("GET", "/v1/restrictions"),
    ("POST", "/v1/restrictions/{restriction}/end"),
    ("POST", "/v1/declined"),
    ("GET", "/v1/declined"),
    ("POST", "/v1/declined/{declined}/withdraw"),
    ("POST", "/v1/explanations"),
]


@pytest.fixture
def issuer() -> IssuerKeys:
    return IssuerKeys()


@pytest.fixture
def app(world: World, issuer: IssuerKeys, tmp_path: Path) -> Any:
    return make_app(world, issuer, tmp_path, restrictions, explanations)


@pytest.fixture
def browser(app: Any, issuer: IssuerKeys) -> Browser:
    """The same service over HTTP."""
    return Browser(app, issuer)


def test_the_whole_life_of_a_restriction(browser: Browser, world: World) -> None:
    world.active()
    made = browser.ask("POST", "/v1/restrictions", json=ASKED)
    assert made.status_code == 201
    told = made.get_json()
    assert (told["status"], told["sensitivity"], told["recipient"]) == ("agreed", ["genetic", "hiv"], None)
    assert told["effective_at"].endswith("Z")
    listed = browser.ask("GET", f"/v1/restrictions?patient={PATIENT}").get_json()
    assert listed == {"restrictions": [told], "next": None}
    end = f"/v1/restrictions/{told['id']}/end"
    ended = browser.ask("POST", end, json={"how": "patient-agreed"})
    assert (ended.status_code, ended.get_json()["status"]) == (200, "ended")
    assert browser.ask("POST", end, json={"how": "patient-requested"}).get_json() == ended.get_json()


def test_a_restriction_that_does_not_hold_yet_is_answered_202(browser: Browser, world: World) -> None:
    world.active()
    world.barrier.holds = False
    made = browser.ask("POST", "/v1/restrictions", json=ASKED)
    assert (made.status_code, made.get_json()["effective_at"]) == (202, None)
    ended = browser.ask("POST", f"/v1/restrictions/{made.get_json()['id']}/end", json={"how": "patient-agreed"})
    assert ended.status_code == 202


def test_one_that_was_not_agreed_to_is_on_record(browser: Browser) -> None:
    made = browser.ask("POST", "/v1/restrictions", json=ASKED | {"agreed": False})
    assert (made.status_code, made.get_json()["status"]) == (201, "declined-by-provider")
    end = browser.ask("POST", f"/v1/restrictions/{made.get_json()['id']}/end", json={"how": "patient-agreed"})
    assert problem(end)[:2] == (409, "restriction-not-agreed")


def test_the_other_side_of_the_consent_sees_nothing(browser: Browser, world: World) -> None:
    world.active()
    made = browser.ask("POST", "/v1/restrictions", json=ASKED).get_json()
    browser.ask("POST", "/v1/declined", json=DECLINED)
    for member in (PSYCHOLOGIST, COLLEAGUE, STRANGER):
        for path, name in (("restrictions", "restrictions"), ("declined", "declined")):
            listed = browser.ask("GET", f"/v1/{path}?patient={PATIENT}", member).get_json()
            assert listed == {name: [], "next": None}
        end = browser.ask("POST", f"/v1/restrictions/{made['id']}/end", member, json={"how": "patient-agreed"})
        assert problem(end)[:2] == (404, "not-found")


def test_the_whole_life_of_a_declined_record(browser: Browser) -> None:
    made = browser.ask("POST", "/v1/declined", json=DECLINED)
    assert made.status_code == 201
    assert (made.get_json()["with"], made.get_json()["withdrawn_at"]) == (THEIRS, None)
    withdrawn = browser.ask("POST", f"/v1/declined/{made.get_json()['id']}/withdraw").get_json()
    assert withdrawn["withdrawn_by"] == str(PHYSICIAN.practitioner)
    listed = browser.ask("GET", f"/v1/declined?patient={PATIENT}&limit=1").get_json()
    assert listed == {"declined": [withdrawn], "next": None}


def test_lists_go_on_page_by_page(browser: Browser) -> None:
    made = [browser.ask("POST", "/v1/declined", json=DECLINED).get_json()["id"] for _ in range(3)]
    seen: list[str] = []
    path = f"/v1/declined?patient={PATIENT}&limit=2"
    page = browser.ask("GET", path).get_json()
    while True:
        seen += [each["id"] for each in page["declined"]]
        if page["next"] is None:
            break
        page = browser.ask("GET", f"{path}&cursor={page['next']}").get_json()
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


def test_an_explanation_as_it_is_read(browser: Browser, world: World) -> None:
    consent = world.active()
    told = browser.ask("POST", "/v1/explanations", json=QUESTION).get_json()
    assert told == {
        "decision": "refuse",
        "reasons": [
            {
                "consent": str(consent),
                "version": 1,
                "status": "active",
                "covers": ["patient", "discloser", "recipient", "purpose", "information", "window", "status"],
                "missing": [
                    {
                        "dimension": "sensitivity",
                        "value": "hiv",
                        "citation": "45 CFR 164.508(c)(1)(i)",
                        "mend": "Leave out what is hiv, or ask the patient to sign a version that names it.",
                    }
                ],
            }
        ],
        "restriction": False,
        "declined": False,
    }
    assert browser.ask("POST", "/v1/explanations", json=QUESTION | {"sensitivity": ["general"]}).get_json() == {
        "decision": "permit",
        "reasons": [told["reasons"][0] | {"covers": ANY_COVER, "missing": []}],
        "restriction": False,
        "declined": False,
    }


ANY_COVER = ["patient", "discloser", "recipient", "purpose", "information", "sensitivity", "window", "status"]


def test_to_a_stranger_the_very_bytes_are_those_of_an_unknown_patient(browser: Browser, world: World) -> None:
    world.active()
    browser.ask("POST", "/v1/restrictions", json=ASKED)
    known = browser.ask("POST", "/v1/explanations", STRANGER, json=QUESTION)
    unknown = browser.ask("POST", "/v1/explanations", STRANGER, json=QUESTION | {"patient": "pt_" + "z" * 26})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert known.get_json()["reasons"] == []


BAD = [
    ("/v1/restrictions", ASKED, {"patient": "Jaime"}, "patient"),
    ("/v1/restrictions", ASKED, {"patient": "pt_" + "a" * 40_000}, "patient"),
    ("/v1/restrictions", ASKED, {"sensitivity": ["<b>hiv</b>"]}, "sensitivity.0"),
    ("/v1/restrictions", ASKED, {"information": ["diagnoses"] * 65}, "information"),
    ("/v1/restrictions", ASKED, {"requested_on": "2026-02-30"}, "requested_on"),
    ("/v1/restrictions", ASKED, {"requested_on": "9999-12-31"}, "requested_on"),
    ("/v1/restrictions", ASKED, {"agreed": "yes"}, "agreed"),
    ("/v1/restrictions", ASKED, {"note": "as the patient said"}, "note"),
    ("/v1/declined", DECLINED, {"with": "anybody"}, "with"),
    ("/v1/declined", DECLINED, {"declined_on": "0001-01-01"}, "declined_on"),
    ("/v1/explanations", QUESTION, {"purpose": "x" * 40_000}, "purpose"),
    ("/v1/explanations", QUESTION, {"information": []}, "information"),
    ("/v1/explanations", QUESTION, {"sensitivity": []}, "sensitivity"),
    ("/v1/explanations", QUESTION, {"to": "../../x"}, "to"),
]


@pytest.mark.parametrize(("path", "body", "changed", "field"), BAD, ids=[f"{b[0][4:]}-{b[3]}" for b in BAD])
def test_what_is_wrong_is_named_and_never_repeated(
    browser: Browser, path: str, body: dict[str, Any], changed: dict[str, Any], field: str
) -> None:
    answer = browser.ask("POST", path, json=body | changed)
    assert problem(answer) == (422, "invalid-field", field)
    assert len(answer.data) < 1000


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_is_read_of_a_request_that_is_not_signed_in(browser: Browser, method: str, path: str) -> None:
    route = path.format(restriction=uuid4(), declined=uuid4())
    answer = browser.unsigned(method, route, data=b"{", content_type="application/json")
    assert problem(answer)[:2] == (401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_answer_is_a_declared_one(
    app: Any, world: World, browser: Browser, issuer: IssuerKeys, method: str, path: str
) -> None:
    world.active()
    records = {name: browser.ask("POST", f"/v1/{name}s", json=ASKED).get_json()["id"] for name in ("restriction",)}
    records["declined"] = browser.ask("POST", "/v1/declined", json=DECLINED).get_json()["id"]
    api = schemathesis.openapi.from_wsgi("/openapi.json", DispatcherMiddleware(app, {"/consent": app}))
    visitor = Visitor(issuer, BASE, PHYSICIAN.practitioner, PHYSICIAN.organization)

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(api[path][method].as_strategy(), st.booleans())
    def check(case: Any, known: bool) -> None:
        for name in set(case.path_parameters) & set(records) if known else ():
            case.path_parameters[name] = records[name]
        headers = visitor.headers(method, f"{BASE}/consent{case.formatted_path}")
        case.call_and_validate(headers=headers, excluded_checks=[TOO_STRICT])

    check()
