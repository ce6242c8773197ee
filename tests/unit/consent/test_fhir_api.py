"""The FHIR face of the consent service as a client meets it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from concord_formats.fhir_consent import History, Standing, read_consent
from concord_formats.vocabulary import ConsentType
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.parameters import Parameters
from flask_openapi.openapi import OpenAPI
from werkzeug.test import TestResponse

from services.chassis.auth import Authenticator
from services.chassis.clock import SystemClock
from services.chassis.web import service_app
from services.consent import api, fhir_api, fhir_search, signed_in, usecases
from services.consent.models import ConsentRow
from tests.unit.chassis.visitor import IssuerKeys
from tests.unit.consent.browser import Browser
from tests.unit.consent.examples import COLLEAGUE, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER, TERMS
from tests.unit.consent.world import BASE, World, settings

OTHER_PATIENT = "pt_" + "b" * 26
ROUTES = [("GET", "/fhir/Consent"), ("GET", "/fhir/Consent/{id}"), ("POST", "/fhir/Consent/{id}/$revoke")]


def app_of(world: World, issuer: IssuerKeys, folder: Path) -> OpenAPI:
    said = settings(folder)
    authenticator = Authenticator(issuer=said.issuer, public_url=said.public_url, keys=issuer, clock=SystemClock())
    routes = [api.consents, *fhir_api.blueprints(said.public_url)]
    app = service_app(said, routes, dict, authenticator=authenticator)
    app.extensions[signed_in.EXTENSION] = world.all
    return app


@pytest.fixture
def fhir(world: World, tmp_path: Path) -> Browser:
    issuer = IssuerKeys()
    return Browser(app_of(world, issuer, tmp_path), issuer)


def resource(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, "application/fhir+json"), answer.data
    return dict(json.loads(answer.data))


def outcome(answer: TestResponse, status: int) -> str:
    """The problem's type in an OperationOutcome."""
    (issue,) = OperationOutcome.model_validate(resource(answer, status)).issue
    return str(issue.details.coding[0].code)


def found(fhir: Browser, query: str, member: Any = PHYSICIAN) -> list[str]:
    """The ids of all pages of a search."""
    ids, path = [], f"/fhir/Consent?{query}"
    while path:
        bundle = resource(fhir.ask("GET", path, member))
        Bundle.model_validate(bundle)
        ids += [entry["resource"]["id"] for entry in bundle.get("entry", [])]
        onward = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        assert all(url.startswith(f"{BASE}/consent/fhir/Consent?") for url in onward)
        path = f"/fhir/Consent?{urlsplit(onward[0]).query}" if onward else ""
    return ids


def test_a_consent_in_force_is_read_whole(fhir: Browser, world: World) -> None:
    consent = fhir.active()
    told = resource(fhir.ask("GET", f"/fhir/Consent/{consent}", PSYCHOLOGIST))
    Consent.model_validate(told)
    record = read_consent(told).record
    shown = fhir.ask("GET", f"/v1/consents/{consent}").get_json()["versions"][0]
    assert (record.id, record.version, record.status) == (UUID(consent), 1, Standing.ACTIVE)
    assert (record.patient, record.type, record.mutual) == (PATIENT, TERMS.type, True)
    assert (record.valid_from, record.valid_until) == (TERMS.valid_from, TERMS.valid_until)
    assert (record.purposes, record.information, record.sensitivity) == (
        TERMS.purposes,
        TERMS.information,
        TERMS.sensitivity,
    )
    assert record.evidence is not None
    assert record.evidence.sha256 == shown["evidence"]["sha256"]
    assert [each is not None for each in record.accepted] == [True, False]
    assert [(deed.what, deed.by) for deed in record.deeds] == [
        (History.DRAFTED, PHYSICIAN.practitioner),
        (History.ACTIVATED, PHYSICIAN.practitioner),
    ]


def test_nobody_is_named_in_what_goes_out(fhir: Browser) -> None:
    text = fhir.ask("GET", f"/fhir/Consent/{fhir.active()}").get_data(as_text=True)
    assert not {"display", "text", "div"} & set(text.replace('"', " ").split())


def test_a_draft_without_labels_is_readable(fhir: Browser) -> None:
    consent = fhir.draft(purposes=[], information=[], sensitivity=[])
    told = resource(fhir.ask("GET", f"/fhir/Consent/{consent}"))
    Consent.model_validate(told)
    assert read_consent(told).record.purposes == frozenset()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_stranger_or_nobody_learns_nothing(fhir: Browser, method: str, path: str) -> None:
    consent = fhir.active()
    assert outcome(fhir.unsigned(method, path.format(id=consent)), 401) == "unauthenticated"
    if "{id}" in path:
        answers = [fhir.ask(method, path.format(id=each), STRANGER) for each in (consent, uuid4())]
        assert [outcome(answer, 404) for answer in answers] == ["not-found", "not-found"]
        assert answers[0].data == answers[1].data
    assert found(fhir, "", STRANGER) == []
    assert found(fhir, "") == [consent]


def test_revoking_answers_since_when(fhir: Browser, world: World) -> None:
    consent = fhir.active()
    world.barrier.holds = False
    pending = resource(fhir.ask("POST", f"/fhir/Consent/{consent}/$revoke", COLLEAGUE), 202)
    assert {each["name"] for each in pending["parameter"]} == {"status", "revoked-at"}
    world.barrier.holds = True
    done = resource(fhir.ask("POST", f"/fhir/Consent/{consent}/$revoke"))
    Parameters.model_validate(done)
    assert {each["name"]: each.get("valueCode") for each in done["parameter"]} == {
        "status": "revoked",
        "revoked-at": None,
        "effective-at": None,
    }
    record = read_consent(resource(fhir.ask("GET", f"/fhir/Consent/{consent}"))).record
    assert record.status is Standing.REVOKED
    assert (record.deeds[-1].what, record.deeds[-1].by) == (History.REVOKED, COLLEAGUE.practitioner)


def test_the_version_in_force_is_shown_while_the_next_is_a_draft(fhir: Browser, world: World) -> None:
    consent = world.active()
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    record = read_consent(resource(fhir.ask("GET", f"/fhir/Consent/{consent}"))).record
    assert (record.version, record.status) == (1, Standing.ACTIVE)


def test_search_by_patient_status_and_actor(fhir: Browser, world: World) -> None:
    active, draft, other = fhir.active(), fhir.draft(), fhir.draft(patient=OTHER_PATIENT)
    revoked = fhir.active()
    fhir.ask("POST", f"/fhir/Consent/{revoked}/$revoke")
    assert set(found(fhir, "")) == {active, draft, other, revoked}
    assert set(found(fhir, f"patient={PATIENT}")) == {active, draft, revoked}
    assert found(fhir, f"patient={OTHER_PATIENT}&status=draft") == [other]
    assert found(fhir, "status=active") == [active]
    assert set(found(fhir, "status=active,inactive&_count=1")) == {active, revoked}
    assert set(found(fhir, f"actor=Practitioner/{PHYSICIAN.practitioner}&status=draft")) == {draft, other}
    assert found(fhir, f"actor=Organization/{PHYSICIAN.organization}") == []
    world.clock.pass_(timedelta(days=800).total_seconds())
    assert set(found(fhir, "status=inactive")) == {active, revoked}


def test_pages_hold_every_consent_once_and_in_bounds(
    fhir: Browser, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    """A status is looked for a bounded number of rows at a time: pages may be empty, and still go on."""
    made = [str(world.draft()) for _ in range(7)]
    world.revoke(UUID(made[6]), PHYSICIAN)
    monkeypatch.setattr(fhir_search, "MOST_READ", 3)
    assert found(fhir, "status=inactive&_count=2") == [made[6]]
    assert sorted(found(fhir, "status=draft&_count=2")) == sorted(made[:6])
    assert sorted(found(fhir, "_count=2")) == sorted(made)


@pytest.mark.parametrize(
    "query",
    [
        "patient=Jane",
        "status=rejected",
        "status=active,",
        "actor=Patient/1",
        f"actor=Practitioner/{'-' * 36}",
        "_count=0",
        "_count=201",
        "cursor=x",
        "_include=Consent:patient",
        "name=Jane",
        "status=draft&status=active",
    ],
)
def test_a_search_that_is_not_understood_is_refused(fhir: Browser, query: str) -> None:
    answer = fhir.ask("GET", f"/fhir/Consent?{query}")
    assert outcome(answer, 422) == "invalid-field"
    assert b"Jane" not in answer.data


def test_the_record_of_an_emergency_is_no_consent(fhir: Browser, world: World) -> None:
    consent = fhir.active()
    with world.database.transaction() as session:
        row = session.get(ConsentRow, UUID(consent))
        assert row is not None
        row.letter = uuid4()
        row.versions[0].type = ConsentType.EMERGENCY.value
    assert found(fhir, "") == []
    for method, path in ROUTES[1:]:
        assert outcome(fhir.ask(method, path.format(id=consent)), 404) == "not-found"
    with world.database.transaction() as session:
        row = session.get(ConsentRow, UUID(consent))
        assert row is not None
        assert row.revoked_at is None


def test_what_the_server_can_do_is_public(fhir: Browser) -> None:
    told = resource(fhir.unsigned("GET", "/fhir/metadata"))
    CapabilityStatement.model_validate(told)
    (offered,) = told["rest"][0]["resource"]
    assert [each["code"] for each in offered["interaction"]] == ["read", "search-type"]
    assert fhir.ask("POST", "/fhir/Consent", json={"resourceType": "Consent"}).status_code == 405


def test_every_answer_of_the_document_is_fhir(fhir: Browser) -> None:
    document = fhir.unsigned("GET", "/openapi.json").get_json()
    ours = {path: item for path, item in document["paths"].items() if path.startswith("/fhir/")}
    assert len(ours) == 4
    for item in ours.values():
        for operation in item.values():
            assert {kind for each in operation["responses"].values() for kind in each["content"]} == {
                "application/fhir+json"
            }
