"""A consent goes out as FHIR R4 and comes in again; searched and revoked at the service's FHIR face."""

from __future__ import annotations

import json
from pathlib import Path

from concord_formats.fhir_consent import Standing, read_consent
from concord_formats.vocabulary import Purpose

from tests.journeys.world import EmbeddedWorld
from tests.people import NPIS, active_consent

ELSEWHERE = Path(__file__).parents[1] / "fixtures" / "fhir" / "consent-from-elsewhere.json"


def test_a_consent_goes_out_and_comes_in_again(embedded: EmbeddedWorld) -> None:
    physician, psychologist = embedded.people.physician, embedded.people.psychologist
    consent = active_consent(embedded.people)
    resource = physician.fhir_consents.resource(consent.id)
    sent = json.dumps(resource).encode()
    made = psychologist.fhir_consents.draft_from(sent, consent.patient)
    before, after = consent.latest, made.consent.latest
    assert (made.replaced, made.ignored) == ((), ())
    assert after.status == "draft"
    for name in ("type", "discloser", "recipient", "mutual", "valid_from", "valid_until", "expires_on"):
        assert getattr(after, name) == getattr(before, name)
    for name in ("purposes", "information", "sensitivity"):
        assert set(getattr(after, name)) == set(getattr(before, name))


def test_a_consent_from_elsewhere_is_drafted_for_people_of_the_directory(embedded: EmbeddedWorld) -> None:
    physician, psychologist = embedded.people.physician, embedded.people.psychologist
    npi = NPIS["Dr. Noor Haddad"]
    theirs = ELSEWHERE.read_text().replace("1234567893", npi)
    theirs = theirs.replace("00000000-0000-4000-8000-0000000000a1", str(physician.practitioner))
    token = active_consent(embedded.people).patient
    made = physician.fhir_consents.draft_from(
        theirs.encode(), token, patient_reference="Patient/f001", ignoring=True
    ).consent
    assert made.latest.recipient.id == psychologist.practitioner
    assert made.latest.purposes == sorted({Purpose.TREATMENT, Purpose.CARE_COORDINATION})


def test_a_consent_is_found_and_revoked_as_fhir(embedded: EmbeddedWorld) -> None:
    consent = active_consent(embedded.people)
    client = embedded.people.psychologist
    query = {"patient": consent.patient, "status": "active", "_count": "200"}
    bundle = client.transport.json("GET", "/consent/fhir/Consent", params=query)
    assert str(consent.id) in [entry["resource"]["id"] for entry in bundle["entry"]]
    done = client.transport.json("POST", f"/consent/fhir/Consent/{consent.id}/$revoke")
    assert done["parameter"][0] == {"name": "status", "valueCode": "revoked"}
    shown = client.fhir_consents.resource(consent.id)
    assert read_consent(shown).record.status is Standing.REVOKED
