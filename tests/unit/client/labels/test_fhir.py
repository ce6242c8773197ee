"""Labels proposed from a FHIR document."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from concord.errors import DocumentError
from concord.labels import Proposal, propose
from concord_formats.vocabulary import Information, Sensitivity
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.labels.documents import (
    ACT_CODE,
    CONFIDENTIALITY,
    FHIR,
    ICD,
    LOINC,
    RXNORM,
    SECRET,
    SNOMED,
    bundle,
    concept,
    condition,
)

ROOT = Path(__file__).resolve().parents[4]
SUMMARY = ROOT / "demo" / "patient" / "summary.json"
OPIOID_USE = Path(__file__).parent / "data" / "opioid-use.json"
GENERAL = {Sensitivity.GENERAL}
SUD = Sensitivity.SUBSTANCE_USE


def proposed(*resources: dict[str, Any], **composition: Any) -> Proposal:
    return propose(bundle(*resources, **composition), FHIR)


def security(system: str, code: str) -> dict[str, Any]:
    """The `meta` of a resource with a security label."""
    return {"security": [{"system": system, "code": code}]}


class TestRealRecords:
    """Synthetic patients as they are generated, not as a test would like them."""

    def test_opioid_use_disorder_asks_for_substance_use_and_never_for_part_2(self) -> None:
        proposal = propose(OPIOID_USE, FHIR)
        assert proposal.sensitivity == {SUD}
        assert {Information.MEDICAL_CONDITIONS, Information.MEDICATIONS, Information.LAB_RESULTS} < proposal.information
        found = {finding.code: finding for finding in proposal.findings}
        assert found["6525002"].display == "Dependent drug abuse"
        assert found["6525002"].system == "SNOMED CT"
        assert found["6525002"].path == "Bundle.entry[4].resource.code.coding[0]"

    def test_a_whole_life_is_read_within_two_seconds(self) -> None:
        """4.7 MB of an International Patient Summary, with its screenings."""
        started = time.process_time()
        proposal = propose(SUMMARY, FHIR)
        assert time.process_time() - started < 2
        assert proposal.sensitivity == {
            Sensitivity.BEHAVIORAL_HEALTH,
            SUD,
            Sensitivity.VIOLENCE,
        }
        assert proposal.information >= {Information.SCREENING_RESULTS, Information.ATTENDANCE, Information.DIAGNOSES}
        # No allergies: the section says that it is empty.
        assert Information.ALLERGIES not in proposal.information
        assert len(proposal.findings) < 100


@pytest.mark.parametrize(
    ("resource", "label"),
    [
        (condition(ICD, "F11.20"), SUD),
        (condition(SNOMED, "75544000"), SUD),
        (condition("urn:oid:2.16.840.1.113883.6.90", "F32.9"), Sensitivity.BEHAVIORAL_HEALTH),
        (condition(ICD, "B20"), Sensitivity.HIV),
        (condition(ICD, "A54.9"), Sensitivity.SEXUAL_HEALTH),
        (condition(ICD, "T74.21XA"), Sensitivity.VIOLENCE),
        (condition(ICD, "Z15.01"), Sensitivity.GENETIC),
        ({"resourceType": "Observation", "code": concept(LOINC, "44261-6")}, Sensitivity.BEHAVIORAL_HEALTH),
        ({"resourceType": "Observation", "code": concept(LOINC, "44261-6")}, Information.SCREENING_RESULTS),
        ({"resourceType": "Observation", "code": concept(LOINC, "20447-9")}, Sensitivity.HIV),
        ({"resourceType": "Observation", "component": [{"code": concept(LOINC, "82667-7")}]}, SUD),
        ({"resourceType": "Procedure", "reasonCode": [concept(ICD, "F33.1")]}, Sensitivity.BEHAVIORAL_HEALTH),
        ({"resourceType": "Encounter", "reasonCode": [concept(ICD, "F33.1")]}, Information.ATTENDANCE),
        ({"resourceType": "FamilyMemberHistory", "condition": [{"code": concept(ICD, "F10.20")}]}, SUD),
        ({"resourceType": "CarePlan", "activity": []}, Information.TREATMENT_PLAN),
        ({"resourceType": "AllergyIntolerance"}, Information.ALLERGIES),
        ({"resourceType": "Patient", "meta": security(ACT_CODE, "PSYTHPN")}, Sensitivity.PSYCHOTHERAPY_NOTES),
        ({"resourceType": "Patient", "meta": security(ACT_CODE, "42CFRPart2")}, Sensitivity.PART_2),
    ],
)
def test_a_code_asks_for_its_label(resource: dict[str, Any], label: Information | Sensitivity) -> None:
    proposal = proposed(resource)
    assert label in proposal.information | proposal.sensitivity
    assert next(each for each in proposal.findings if each.label == label).path.startswith("Bundle.entry[1].resource")


@pytest.mark.parametrize(
    "medication",
    [
        {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "6813"}]}},
        {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "864718"}]}},
        {"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "99", "display": "Methadone 5 MG"}]}},
        {"medicationCodeableConcept": {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "display": "METHADONE"}]}},
        {"medicationCodeableConcept": {"text": "methadone, as agreed"}},
        {"contained": [{"resourceType": "Medication", "code": {"text": "Methadone"}}]},
    ],
)
def test_a_medication_is_known_by_ingredient_product_or_name(medication: dict[str, Any]) -> None:
    proposal = proposed({"resourceType": "MedicationStatement", **medication})
    assert proposal.sensitivity == {SUD}
    assert Information.MEDICATIONS in proposal.information
    finding = next(each for each in proposal.findings if each.label == SUD)
    assert "methadone" in finding.display
    assert "agreed" not in repr(finding)


def test_a_product_code_without_a_name_goes_unseen() -> None:
    coding = {"coding": [{"system": RXNORM, "code": "1010603"}]}
    assert proposed({"resourceType": "MedicationRequest", "medicationCodeableConcept": coding}).sensitivity == GENERAL


def test_an_allergy_to_a_drug_is_no_sign_that_it_is_taken() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "code": concept(RXNORM, "6813", "methadone")}
    assert proposed(allergy).sensitivity == GENERAL


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_refuted_diagnosis_is_in_the_document_all_the_same(status: str) -> None:
    """Whether it may go out without its label is for the sender to say."""
    refuted = condition(ICD, "F11.20", verificationStatus={"coding": [{"code": status}]})
    assert proposed(refuted).sensitivity == {SUD}


def test_part_2_comes_from_its_own_label_alone() -> None:
    restricted = [{"system": CONFIDENTIALITY, "code": "R"}, {"system": ACT_CODE, "code": "ETH"}]
    proposal = proposed(condition(ICD, "F11.20", meta={"security": restricted}), confidentiality="R")
    assert proposal.sensitivity == {SUD}
    assert not proposal.restricted


@pytest.mark.parametrize("code", ["R", "V"])
def test_a_restricted_document_that_does_not_say_why_is_not_called_general(code: str) -> None:
    for proposal in (proposed(confidentiality=code), proposed(meta=security(CONFIDENTIALITY, code))):
        assert proposal.restricted
        assert proposal.sensitivity == frozenset()
    assert not proposed(confidentiality="N").restricted
    assert proposed(confidentiality="N").sensitivity == GENERAL


@pytest.mark.parametrize("kind", ["Consent", "ValueSet", "Questionnaire"])
def test_what_is_about_no_patient_is_not_read(kind: str) -> None:
    """A Consent's labels are what it permits; a value set lists codes."""
    assert proposed({"resourceType": kind, "provision": {"code": [concept(ICD, "F11.20")]}}).sensitivity == GENERAL


def test_the_visit_that_a_document_reports_is_no_record_of_attendance() -> None:
    visit, another = {"resourceType": "Encounter", "id": "a"}, {"resourceType": "Encounter", "id": "b"}
    for reference in ("urn:uuid:1", "Encounter/a"):
        own = {"encounter": {"reference": reference}}
        assert Information.ATTENDANCE not in proposed(visit, **own).information
        assert Information.ATTENDANCE in proposed(visit, another, **own).information


@pytest.mark.parametrize(
    ("categories", "label"),
    [
        (["encounter-diagnosis"], Information.DIAGNOSES),
        (["problem-list-item"], Information.MEDICAL_CONDITIONS),
        ([], Information.MEDICAL_CONDITIONS),
    ],
)
def test_a_condition_is_a_diagnosis_of_a_visit_or_a_problem(categories: list[str], label: Information) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-category"
    category = [concept(system, each) for each in categories]
    assert proposed(condition(ICD, "I10", category=category)).information == {label}


def test_sections_say_what_kind_of_information_they_hold() -> None:
    sections = [
        {"code": concept(LOINC, "42349-1"), "section": [{"code": concept(LOINC, "18776-5")}]},
        {"code": concept(LOINC, "48765-2"), "emptyReason": concept("x", "nilknown")},
        {"code": concept(LOINC, "8716-3")},
    ]
    proposal = proposed(section=sections)
    assert proposal.information == {Information.REASON_FOR_REFERRAL, Information.TREATMENT_PLAN}


def test_a_finding_repeats_no_word_of_the_document() -> None:
    proposal = proposed(condition(ICD, "F11.20"), {"resourceType": "MedicationRequest", "note": [{"text": SECRET}]})
    assert proposal.findings
    assert SECRET not in str(proposal.findings)
    assert "F11" not in repr(proposal)


def test_a_path_moves_no_terminal() -> None:
    proposal = proposed({"resourceType": "Basic", "\u001b[2J\u202e": [concept(ICD, "F11.20")]})
    path = next(each.path for each in proposal.findings if each.label == SUD)
    assert path.isprintable()


def test_a_code_that_is_met_a_thousand_times_is_found_once() -> None:
    proposal = proposed(*[condition(ICD, "F11.20")] * 1000)
    paths = [each.path for each in proposal.findings if each.code == "F11.20"]
    assert paths == ["Bundle.entry[1].resource.code.coding[0]"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"a":' * 100_000, b"\xff\xfe\x00"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(DocumentError):
        propose(io.BytesIO(body), FHIR)


@pytest.mark.parametrize("media_type", ["application/pdf", "text/plain; charset=utf-8", "image/png"])
def test_nothing_is_proposed_of_what_has_no_codes(media_type: str) -> None:
    """Constant time: it is not even read."""
    proposal = propose(io.BytesIO(b"F11.20 opioid dependence"), media_type)
    assert proposal == Proposal(readable=False)


NAMES = ["resourceType", "system", "code", "coding", "text", "display", "entry", "resource", "encounter", "fullUrl"]
WORDS = [ICD, RXNORM, "F11.20", "6813", "Encounter", "Condition", "Medication"]
members = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["entry", "resourceType", "code", "system"]), members))
def test_any_json_is_read_or_refused(document: dict[str, Any]) -> None:
    proposal = propose(io.BytesIO(json.dumps(document).encode()), FHIR)
    assert proposal.sensitivity or proposal.restricted
    assert Sensitivity.PART_2 not in proposal.sensitivity


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["F11.20", "B20", "I10", "F32.9", "Z15.01"])), st.sampled_from(["B20", "I10"]))
def test_more_in_a_document_never_asks_for_fewer_labels(codes: list[str], another: str) -> None:
    before = proposed(*(condition(ICD, code) for code in codes))
    after = proposed(*(condition(ICD, code) for code in [another, *codes]))
    assert before.sensitivity - GENERAL <= after.sensitivity
    assert before.information <= after.information
