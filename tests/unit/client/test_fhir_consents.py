"""Consents from other systems on the clinician's own device: replaced, left out, begun anew, and all of it listed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import typer
from concord.address_book import AddressBook
from concord.age import HybridIdentity
from concord.api import Consent, Organization, Practitioner, Terms
from concord.api.fhir import FhirApi
from concord.cli import consent_fhir
from concord.errors import AddressBookError, ConsentResourceError, ServiceError
from concord.fhir_consents import MAX_BYTES, FhirConsents, Imported
from concord.store import SealedStore
from concord_formats.fhir_consent import Acceptance, Deed, History, Standing, write_consent
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from typer.testing import CliRunner

from tests.unit.formats.fhir_consents import NOW, RECORD, fixture, with_

NAME = "Maria Example"
TOKEN = "pt_" + "a" * 26
NPI = "1234567893"
PERSON = UUID(int=0xB1)
ELSEWHERE = fixture("consent-from-elsewhere.json")
LOCAL = write_consent(
    replace(
        RECORD,
        mutual=True,
        accepted=(Acceptance(NOW, PERSON), None),
        deeds=(Deed(History.DRAFTED, NOW, PERSON), Deed(History.ACTIVATED, NOW, PERSON)),
    )
)


class Drafts:
    """The consent service, as far as drafting goes."""

    def __init__(self) -> None:
        self.made: list[Terms] = []

    def draft(self, terms: Terms, version_of: UUID | None = None) -> Consent:
        self.made.append(terms)
        version = {**terms.model_dump(exclude={"patient"}), "version": 1, "status": "draft", "directions": []}
        whole = {"id": version_of or uuid4(), "patient": terms.patient, "created_at": NOW, "versions": [version]}
        return Consent.model_validate(whole)


class Directory:
    """Finds people by National Provider Identifier."""

    def __init__(self) -> None:
        self.people = [_person("active"), _person("suspended")]

    def find(self, text: str) -> list[Practitioner]:
        return [each for each in self.people if each.npi == text]


def _person(status: str) -> Practitioner:
    practice = Organization(id=UUID(int=0xB0), name="Harbor")
    identifier = PERSON if status == "active" else uuid4()
    members = {"role": "practitioner", "name": "Dr. Noor", "npi": NPI, "status": status}
    return Practitioner(id=identifier, organization=practice, **members)


class Site:
    """One clinician, with a book of one patient."""

    def __init__(self, folder: Path, served: dict[str, Any] | None = None) -> None:
        book = AddressBook(SealedStore(folder, HybridIdentity.generate()))
        book.add("blue-heron", NAME, token=TOKEN)
        self.drafts, self.directory = Drafts(), Directory()
        self.served: dict[str, Any] | Exception = served or LOCAL
        api = FhirApi(SimpleNamespace(json=self._answer))
        self.consents = FhirConsents(api, self.drafts, self.directory, book)

    def _answer(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", f"/consent/fhir/Consent/{RECORD.id}")
        if isinstance(self.served, Exception):
            raise self.served
        return copy.deepcopy(self.served)

    def take(self, resource: object, patient: str = "blue-heron", **options: Any) -> Imported:
        content = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
        return self.consents.draft_from(content, patient, **options)

    def elsewhere(self, resource: object = ELSEWHERE, **options: Any) -> Imported:
        return self.take(resource, **({"patient_reference": "Patient/f001", "ignoring": True} | options))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def paths(refused: Callable[[], object]) -> list[str]:
    """The places for which it is refused, of which none tells the patient's name."""
    with pytest.raises(ConsentResourceError) as error:
        refused()
    assert NAME not in str(error.value)
    assert all(place["path"] in error.value.message for place in error.value.members["places"])
    return [place["path"] for place in error.value.members["places"]]


def test_a_consent_from_elsewhere_becomes_a_draft_and_every_change_is_listed(site: Site) -> None:
    made = site.elsewhere()
    (terms,) = site.drafts.made
    assert terms.patient == TOKEN
    assert terms.recipient.id == PERSON
    assert terms.purposes == [Purpose.CARE_COORDINATION, Purpose.TREATMENT]
    assert terms.information == [Information.DIAGNOSES, Information.MEDICATIONS]
    assert terms.sensitivity == [Sensitivity.BEHAVIORAL_HEALTH, Sensitivity.GENERAL]
    assert terms.valid_until == datetime.combine(date(2027, 10, 1), time.min).astimezone()
    assert [(place.path, place.detail) for place in made.replaced] == [
        ("patient.reference", TOKEN),
        ("provision.actor[1].reference", f"Practitioner/{PERSON}"),
    ]
    assert [place.path for place in made.anew] == ["status", "dateTime"]
    top = {place.path.partition(".")[0] for place in (*made.ignored, *made.replaced, *made.anew)}
    assert {"text", "meta", "id", "patient", "performer[0]", "sourceAttachment"} <= top
    assert NAME not in repr(site.drafts.made)


def test_a_consent_of_concord_s_own_is_drafted_without_leave(site: Site) -> None:
    made = site.take(LOCAL)
    assert (made.replaced, made.ignored) == ((), ())
    assert [place.path for place in made.anew] == [
        "id",
        "status",
        "dateTime",
        "extension",
        "provision.provision[0].extension",
    ]
    assert site.drafts.made[0].mutual is True


def test_the_next_version_of_a_consent_is_drafted(site: Site) -> None:
    version_of = uuid4()
    assert site.take(LOCAL, version_of=version_of).consent.id == version_of


def test_the_patient_is_replaced_only_where_the_reference_is_named(site: Site) -> None:
    for reference in (None, "Patient/f002", "patient/F001"):
        assert paths(lambda reference=reference: site.elsewhere(patient_reference=reference)) == ["patient.reference"]
    assert paths(lambda: site.take(LOCAL, patient="pt_" + "b" * 26)) == ["patient.identifier"]
    assert paths(lambda: site.take(LOCAL, patient_reference="Patient/f001")) == ["patient.identifier"]
    with pytest.raises(AddressBookError):
        site.elsewhere(patient="grey-wren")
    assert site.drafts.made == []


def test_all_that_is_in_the_way_is_told_at_once(site: Site) -> None:
    site.directory.people.clear()
    inactive = write_consent(replace(RECORD, status=Standing.REVOKED))
    assert paths(lambda: site.take(inactive)) == ["status"]
    found = paths(lambda: site.elsewhere(patient_reference=None))
    assert found == ["patient.reference", "provision.actor[1].reference"]


def test_a_person_whom_two_entries_could_mean_is_not_guessed(site: Site) -> None:
    site.directory.people.append(_person("active"))
    assert paths(site.elsewhere) == ["provision.actor[1].reference"]


def test_hl7_s_own_example_is_refused_with_its_paths(site: Site) -> None:
    found = paths(lambda: site.elsewhere(fixture("consent-example-notThis.R4.json")))
    assert {"policyRule", "organization[0]", "provision.data", "provision.period.end"} <= set(found)
    assert len(found) == 10
    assert {"subject", "controller"} <= set(paths(lambda: site.elsewhere(fixture("consent-example-notThis.R5.json"))))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"resourceType": "Patient"}',
        b'{"resourceType": "Consent", "status": "active", "status": "draft"}',
        b'{"resourceType": "Consent", "status": NaN}',
        b"[" * 200_000,
        b'{"resourceType": "Consent"}',
        b" " * (MAX_BYTES + 1),
        json.dumps(with_(ELSEWHERE, ("provision", "unheardOf"), NAME)).encode(),
        json.dumps(with_(ELSEWHERE, ("provision", "period", "start"), NAME)).encode(),
        json.dumps(with_(ELSEWHERE, ("provision", "actor"), NAME)).encode(),
    ],
)
def test_what_is_no_consent_is_refused_without_its_content(site: Site, content: bytes) -> None:
    assert paths(lambda: site.elsewhere(content))


def test_an_export_is_whole_and_takes_the_other_system_s_reference(site: Site) -> None:
    assert site.consents.resource(RECORD.id) == LOCAL
    theirs = site.consents.resource(RECORD.id, patient_reference="Patient/f001")
    assert theirs["patient"] == {"reference": "Patient/f001"}
    assert TOKEN not in json.dumps(theirs)
    assert site.take(theirs, patient_reference="Patient/f001").consent.patient == TOKEN


def test_an_export_that_does_not_read_back_whole_is_refused(site: Site) -> None:
    site.served = LOCAL | {"text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"}}
    assert paths(lambda: site.consents.resource(RECORD.id)) == ["text"]


def test_a_refusal_of_the_fhir_face_reads_like_any_other(site: Site) -> None:
    issue = {"details": {"coding": [{"code": "not-found"}]}, "diagnostics": "No such consent."}
    for members in ({"resourceType": "OperationOutcome", "issue": [issue]}, {"issue": 7}, {}):
        site.served = ServiceError(404, "about:blank", "the service answered 404", **members)
        with pytest.raises(ServiceError) as error:
            site.consents.resource(RECORD.id)
        assert (error.value.type == "not-found") is ("resourceType" in members)


def test_the_commands_tell_what_was_done_with_each_place(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client(SimpleNamespace):
        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(consent_fhir, "unlock", lambda *_: Client(fhir_consents=site.consents))
    app = typer.Typer()
    consent_fhir.register(app)
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(json.dumps(ELSEWHERE))
    words = ["import", str(source), "--patient", "blue-heron", "--patient-reference", "Patient/f001"]
    assert isinstance(CliRunner().invoke(app, words).exception, ConsentResourceError)
    told = json.loads(CliRunner().invoke(app, [*words, "--ignore-wording", "--json"]).stdout)
    assert [place["path"] for place in told["anew"]] == ["status", "dateTime"]
    text = CliRunner().invoke(app, [*words, "--ignore-wording"]).stdout
    assert "Left out, as you asked:" in text
    assert NAME not in text
    assert CliRunner().invoke(app, ["export", str(RECORD.id), "-o", str(target)]).exit_code == 0
    assert json.loads(target.read_text()) == LOCAL
