"""What the FHIR faces of all services have in common."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome

from services.chassis import fhir

BASE = "http://concord.test/directory/fhir"
TOLD = {"type": "urn:concord:problem:invalid-field", "title": "A field is not valid", "detail": "name: too short"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid"),
        (401, "login"),
        (403, "forbidden"),
        (404, "not-found"),
        (409, "conflict"),
        (422, "invalid"),
        (500, "exception"),
        (503, "transient"),
    ],
)
def test_an_outcome_says_what_the_problem_says(status: int, code: str) -> None:
    told = fhir.outcome(status, TOLD | {"field": "name"})
    OperationOutcome.model_validate(told)
    (issue,) = told["issue"]
    assert (issue["code"], issue["severity"], issue["expression"]) == (code, "error", ["name"])
    assert issue["diagnostics"] == TOLD["detail"]
    assert issue["details"]["coding"] == [{"system": "urn:concord:problem", "code": "invalid-field"}]


def test_a_problem_of_no_field_names_none() -> None:
    assert "expression" not in fhir.outcome(404, TOLD)["issue"][0]


def test_links_say_each_parameter_as_it_was_said() -> None:
    said = {"name": ["Añ a&b"], "_include": ["A:b", "A:c"]}
    bundle = fhir.searchset(f"{BASE}/Practitioner", said, "here", "there", [])
    Bundle.model_validate(bundle)
    links = {link["relation"]: parse_qs(urlsplit(link["url"]).query) for link in bundle["link"]}
    assert links == {"self": said | {"cursor": ["here"]}, "next": said | {"cursor": ["there"]}}


def test_the_last_page_leads_nowhere_and_an_empty_one_has_no_entries() -> None:
    bundle = fhir.searchset(f"{BASE}/Practitioner", {}, None, None, [])
    assert [link["relation"] for link in bundle["link"]] == ["self"]
    assert "entry" not in bundle


def test_a_remark_is_no_match() -> None:
    found = {"resourceType": "Organization", "id": "1", "name": "North"}
    entries = [fhir.entry(BASE, found), fhir.entry(BASE, found, "include"), fhir.remark("too-costly", "More match.")]
    bundle = fhir.searchset(f"{BASE}/Organization", {}, None, None, entries)
    Bundle.model_validate(bundle)
    assert [each["search"]["mode"] for each in bundle["entry"]] == ["match", "include", "outcome"]
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}/Organization/1"
    OperationOutcome.model_validate(bundle["entry"][2]["resource"])


def test_what_is_offered_is_a_valid_statement() -> None:
    offered = fhir.offered("Organization", [("name", "string")], searchInclude=["Organization:partof"])
    told = fhir.capabilities(BASE, "A test", "2026-11-28", [offered])
    CapabilityStatement.model_validate(told)
    assert told["rest"][0]["resource"][0]["searchInclude"] == ["Organization:partof"]
