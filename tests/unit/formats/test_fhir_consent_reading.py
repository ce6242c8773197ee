"""Consents of other systems: read exactly, or refused with every path that is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from concord_formats.fhir_consent import (
    Deed,
    ForeignPatient,
    History,
    NamedByNpi,
    NotRepresentableError,
    Party,
    Standing,
    read_consent,
    write_consent,
)
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.unit.formats.fhir_consents import RECORD, fixture, with_

CENTRAL = timezone(timedelta(hours=-6))
ELSEWHERE = fixture("consent-from-elsewhere.json")
RULE = ("provision", "provision", 0)
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, CENTRAL)


def refused(resource: dict[str, Any], *, ignoring: bool = True) -> list[str]:
    """The paths for which a resource is refused; none when it is read."""
    try:
        read_consent(resource, ignoring=ignoring, midnight=midnight)
    except NotRepresentableError as error:
        return [place.path for place in error.places]
    return []


WORDING_OF_HL7 = ["id", "meta.tag", "patient.display", "sourceAttachment.title", "text"]
WITHOUT_A_RULE = [
    "provision.actor",
    "provision.code",
    "provision.data",
    "provision.period.end",
    "provision.period.start",
    "provision.purpose",
    "provision.securityLabel",
    "provision.type",
]
# HL7's own examples, whole: every path for which each is refused.
HL7 = {
    "consent-example-notThis.R4.json": ["organization[0]", "policyRule", *WITHOUT_A_RULE],
    "consent-example-notThis.R5.json": [
        "controller",
        "date",
        "decision",
        "patient",
        "policyRule",
        "provision",
        "regulatoryBasis",
        "scope",
        "sourceAttachment",
        "subject",
    ],
    "provenance-consent-signature.json": ["resourceType"],
}


@pytest.mark.parametrize("name", HL7)
def test_each_example_of_hl7_is_refused_with_all_its_paths(name: str) -> None:
    assert refused(fixture(name)) == HL7[name]


def test_without_leave_the_wording_of_hl7_s_example_is_in_the_way_as_well() -> None:
    found = refused(fixture("consent-example-notThis.R4.json"), ignoring=False)
    assert found == sorted([*HL7["consent-example-notThis.R4.json"], *WORDING_OF_HL7])


def test_a_consent_from_elsewhere_is_read_and_what_was_left_out_is_listed() -> None:
    reading = read_consent(ELSEWHERE, ignoring=True, midnight=midnight)
    record = reading.record
    assert (record.type, record.status) == (ConsentType.HIPAA_AUTHORIZATION, Standing.ACTIVE)
    assert (record.patient, record.id, record.evidence) == (ForeignPatient("Patient/f001"), None, None)
    assert record.discloser == Party(PartyKind.PRACTITIONER, UUID("00000000-0000-4000-8000-0000000000a1"))
    assert record.recipient == NamedByNpi("1234567893", "provision.actor[1].reference")
    assert record.purposes == {Purpose.TREATMENT, Purpose.CARE_COORDINATION}
    assert record.information == {Information.MEDICATIONS, Information.DIAGNOSES}
    assert record.sensitivity == {Sensitivity.GENERAL, Sensitivity.BEHAVIORAL_HEALTH}
    assert record.valid_from == datetime(2026, 10, 1, 6, tzinfo=UTC)
    assert record.valid_until == datetime(2027, 10, 1, 6, tzinfo=UTC)
    assert record.deeds == (Deed(History.DRAFTED, date(2026, 10, 1)),)
    assert [place.path for place in reading.ignored] == [
        "category[0].coding[0].display",
        "id",
        "language",
        "meta.lastUpdated",
        "meta.versionId",
        "patient.display",
        "patient.identifier",
        "performer[0]",
        "policyRule.text",
        "provision.actor[0].reference.display",
        "provision.code[0].coding[0].display",
        "scope.coding[0].display",
        "sourceAttachment.contentType",
        "sourceAttachment.data",
        "sourceAttachment.title",
        "text",
    ]
    assert refused(ELSEWHERE, ignoring=False) == [place.path for place in reading.ignored]


def test_days_without_a_zone_are_refused() -> None:
    with pytest.raises(NotRepresentableError) as error:
        read_consent(ELSEWHERE, ignoring=True)
    assert [place.path for place in error.value.places] == ["provision.period.end", "provision.period.start"]


@pytest.mark.parametrize(
    ("end", "until"),
    [
        ("2027-01-31T23:59:59Z", datetime(2027, 2, 1, tzinfo=UTC)),
        ("2027-01-31T23:59:59.9-06:00", datetime(2027, 2, 1, 6, tzinfo=UTC)),
        ("2028-02-28", datetime(2028, 2, 29, 6, tzinfo=UTC)),
    ],
)
def test_an_end_includes_all_that_its_precision_covers(end: str, until: datetime) -> None:
    resource = with_(ELSEWHERE, ("provision", "period", "end"), end)
    assert read_consent(resource, ignoring=True, midnight=midnight).record.valid_until == until


@pytest.mark.parametrize(
    "end",
    [
        "2027",
        "2027-01",
        "2027-02-30",
        "2027-01-31T23:59:59",
        "2027-01-31T23:59:60Z",
        "2027-01-31T23:59:59.1234567Z",
        "2020-01-01",
        "9999-12-31",
        "٢٠٢٧-01-01",
        {},
    ],
)
def test_an_end_that_is_no_moment_or_before_the_start_is_refused(end: object) -> None:
    (path,) = refused(with_(ELSEWHERE, ("provision", "period", "end"), end))
    assert path in ("provision.period", "provision.period.end")


@pytest.mark.parametrize(
    ("codes", "read"),
    [
        (["SEX", "STD"], Sensitivity.SEXUAL_HEALTH),
        (["ETH", "SUD"], Sensitivity.SUBSTANCE_USE),
        (["HIV"], Sensitivity.HIV),
        (["STD"], None),
        (["SUD"], None),
        (["PSY"], None),
        (["R"], None),
    ],
)
def test_a_label_is_never_read_as_a_wider_one(codes: list[str], read: Sensitivity | None) -> None:
    labels = [{"system": ACT_CODE, "code": code} for code in codes]
    resource = with_(ELSEWHERE, ("provision", "securityLabel"), labels)
    if read is None:
        assert refused(resource) == [f"provision.securityLabel[{place}]" for place in range(len(codes))]
    else:
        assert read_consent(resource, ignoring=True, midnight=midnight).record.sensitivity == {read}


@pytest.mark.parametrize("name", ["purpose", "code", "securityLabel", "actor"])
@pytest.mark.parametrize("empty", [None, []])
def test_an_absent_list_would_allow_everything_and_is_refused(name: str, empty: object) -> None:
    provision = {key: value for key, value in ELSEWHERE["provision"].items() if key != name}
    if empty is not None:
        provision[name] = empty
    assert refused(ELSEWHERE | {"provision": provision}) == [f"provision.{name}"]


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        ({"status": "rejected"}, ["status"]),
        ({"status": "entered-in-error"}, ["status"]),
        ({"status": "inactive"}, ["status"]),
        ({"scope": {"coding": [{"system": "x", "code": "research"}]}}, ["scope"]),
        ({"category": []}, ["category"]),
        ({"policyRule": {"text": "HIPAA"}}, ["policyRule"]),
        ({"policy": [{"uri": "http://example.org"}]}, ["policy"]),
        ({"verification": [{"verified": True}]}, ["verification"]),
        ({"verification": None}, ["verification"]),
        ({"contained": [{"resourceType": "Patient"}]}, ["contained"]),
        ({"implicitRules": "http://example.org"}, ["implicitRules"]),
        ({"modifierExtension": [{"url": "x", "valueBoolean": True}]}, ["modifierExtension"]),
        ({"_status": {"extension": []}}, ["_status"]),
        ({"identifier": [{"value": "1"}]}, ["identifier"]),
        ({"extension": [{"url": "http://example.org/x"}, "x"]}, ["extension[0]", "extension[1]"]),
        ({"performer": [{"reference": "RelatedPerson/1"}]}, ["performer[0]"]),
        ({"performer": [{"reference": "Patient/f002"}]}, ["performer[0]"]),
        ({"organization": [{"reference": "Organization/f001"}]}, ["organization[0]"]),
        ({"dateTime": "2026"}, ["dateTime"]),
        ({"patient": {"display": "Maria Example"}, "performer": []}, ["patient"]),
        ({"provision": []}, ["provision"]),
        ({"Maria Example": "x\n"}, ["?"]),
    ],
)
def test_what_has_no_place_is_refused_with_its_path(changed: dict[str, Any], paths: list[str]) -> None:
    found = refused(ELSEWHERE | changed)
    assert [path for path in found if not path.startswith("provision.")] == paths


def test_a_rule_that_denies_is_a_restriction() -> None:
    nested = write_consent(RECORD)
    denying = nested["provision"]["provision"][0] | {"type": "deny"}
    assert refused(with_(nested, (*RULE[:2], 0), denying)) == ["provision.provision[0]"]
    more = [*nested["provision"]["provision"], denying]
    assert refused(with_(nested, RULE[:2], more)) == ["provision.provision[1]"]
    assert refused(with_(ELSEWHERE, ("provision", "type"), "deny")) == ["provision"]
    assert refused(with_(ELSEWHERE, ("provision", "provision"), [denying | {"type": "permit"}]))


def test_two_rules_must_say_the_same_the_other_way_round() -> None:
    mutual = write_consent(replace(RECORD, mutual=True))
    purposes = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "COC"}]
    assert refused(with_(mutual, ("provision", "provision", 1, "purpose"), purposes)) == ["provision.provision[1]"]
    same = mutual["provision"]["provision"][0]
    assert refused(with_(mutual, ("provision", "provision", 1), same)) == ["provision.provision[1]"]
    assert refused(with_(mutual, RULE[:2], [same] * 3)) == ["provision.provision[1]", "provision.provision[2]"]


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "https://hospital.example/fhir/Practitioner/00000000-0000-4000-8000-0000000000a1"},
        {"reference": "Practitioner/f001"},
        {"reference": "#contained"},
        {"reference": "Patient/00000000-0000-4000-8000-0000000000a1"},
        {"reference": "Practitioner/00000000-0000-4000-8000-0000000000A1"},
        {"identifier": {"system": "http://hospital.example", "value": "1234567893"}},
        {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "12345"}},
        {"type": "Organization", "identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}},
        {"reference": "Organization/00000000-0000-4000-8000-0000000000a1", "type": "Practitioner"},
        {},
    ],
)
def test_an_actor_that_the_directory_cannot_know_is_refused(reference: dict[str, Any]) -> None:
    (path,) = refused(with_(ELSEWHERE, ("provision", "actor", 1, "reference"), reference))
    assert path.startswith("provision.actor[1].reference")


@pytest.mark.parametrize(
    ("code", "type_"), [("42CFRPart2", "part-2-consent"), ("HIPAAPsyNotes", "psychotherapy-notes")]
)
def test_a_law_alone_is_read_as_the_consent_that_allows_least(code: str, type_: str) -> None:
    resource = with_(ELSEWHERE, ("policyRule",), {"coding": [{"system": ACT_CODE, "code": code}]})
    assert read_consent(resource, ignoring=True, midnight=midnight).record.type == type_


def test_what_is_deep_or_huge_is_refused_and_not_failed_on() -> None:
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"provision": [deep]}
    assert refused(ELSEWHERE | {"contained": [deep]}) == ["contained"]
    many = [ELSEWHERE["provision"]["actor"][0]] * 2_000
    assert len(refused(with_(ELSEWHERE, ("provision", "actor"), many))) == 1_999
