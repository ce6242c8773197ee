"""The value sets: well-formed, with their sources, and without a code that cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from concord.labels.catalogue import Catalogue, catalogue, value_sets
from concord.labels.systems import CodeSystem, system_named
from concord_formats.vocabulary import Information, Sensitivity

FILES = list(value_sets())
SETS = [each for file in FILES for each in file["sets"]]
CODES = [(each["system"], code) for each in SETS for code in each["codes"]]

# Verhoeff's multiplication and permutation tables; SNOMED CT identifiers end in his check digit.
_TIMES = ["0123456789", "1234067895", "2340178956", "3401289567", "4012395678"]
_TIMES += ["5987604321", "6598710432", "7659821043", "8765932104", "9876543210"]
_PERMUTED = [
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
]


def verhoeff(number: str) -> bool:
    """Whether the check digit is right."""
    check = 0
    for position, digit in enumerate(reversed(number)):
        check = int(_TIMES[check][int(_PERMUTED[position % 8][int(digit)])])
    return check == 0


def luhn(code: str) -> bool:
    """Whether the check digit of a LOINC code is right (mod 10)."""
    body, _, check = code.partition("-")
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    return (10 - sum(each // 10 + each % 10 for each in doubled) % 10) % 10 == int(check)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["title"])
def test_a_file_says_what_it_is(file: Mapping[str, Any]) -> None:
    assert file["publisher"] == "Concord"
    assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", file["reviewed"])
    assert file["about"]
    assert file["decisions"]


@pytest.mark.parametrize("value_set", SETS, ids=lambda each: f"{each['title']}-{each['system']}")
def test_a_set_names_its_source_and_licence(value_set: Mapping[str, Any]) -> None:
    assert value_set["source"]
    assert value_set["url"].startswith("https://")
    assert value_set["licence"]
    assert value_set["codes"]
    assert all(isinstance(display, str) and display for display in value_set["codes"].values())


def test_every_code_can_exist() -> None:
    """Check digits and shapes: a slip of the keyboard is found."""
    right = {
        CodeSystem.SNOMED_CT: lambda code: code.isdecimal() and verhoeff(code),
        CodeSystem.LOINC: lambda code: bool(re.fullmatch(r"[0-9]{1,6}-[0-9]", code)) and luhn(code),
        CodeSystem.RXNORM: lambda code: bool(re.fullmatch(r"[1-9][0-9]{1,6}", code)),
        CodeSystem.ICD_10_CM: lambda code: bool(re.fullmatch(r"[A-Z][0-9][0-9A](-[A-Z][0-9]{2}|[0-9?]{1,4})?", code)),
    }
    assert [pair for pair in CODES if (check := right.get(CodeSystem(pair[0]))) and not check(pair[1])] == []


def test_a_code_reads_the_same_wherever_it_stands() -> None:
    """A code may ask for several labels (neurosyphilis is a mental disorder as well), under one name."""
    names: dict[tuple[str, str], set[str]] = {}
    for each in SETS:
        for code, display in each["codes"].items():
            names.setdefault((each["system"], code), set()).add(display)
    assert {key: displays for key, displays in names.items() if len(displays) > 1} == {}


def test_only_a_security_label_proposes_what_is_provenance() -> None:
    """Part 2 and psychotherapy notes are where a record comes from, not what is in it."""
    for each in SETS:
        if each["label"] in {Sensitivity.PART_2, Sensitivity.SUD_COUNSELING_NOTES, Sensitivity.PSYCHOTHERAPY_NOTES}:
            assert each["system"] == CodeSystem.ACT_CODE
    labels = {each["label"] for each in SETS}
    assert labels >= set(Sensitivity) - {Sensitivity.GENERAL, Sensitivity.SUD_COUNSELING_NOTES}
    assert labels >= set(Information) - {Information.COORDINATION}
    assert not labels & {Sensitivity.GENERAL, Information.COORDINATION}


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("F10.20", {Sensitivity.SUBSTANCE_USE}),
        ("f1120", {Sensitivity.SUBSTANCE_USE}),
        ("F17.210", set()),
        ("F19", {Sensitivity.SUBSTANCE_USE}),
        ("F03.90", set()),
        ("F33.1", {Sensitivity.BEHAVIORAL_HEALTH}),
        ("F64.0", {Sensitivity.BEHAVIORAL_HEALTH, Sensitivity.SEXUAL_HEALTH}),
        ("T40.1X1A", {Sensitivity.SUBSTANCE_USE}),
        ("T40.2X5A", set()),
        ("T40.2X6D", set()),
        ("R45.851", {Sensitivity.BEHAVIORAL_HEALTH}),
        ("R45.1", set()),
        ("B20", {Sensitivity.HIV}),
        ("B25.9", set()),
        ("Z21", {Sensitivity.HIV}),
        ("O98.712", {Sensitivity.HIV}),
        ("A53.9", {Sensitivity.SEXUAL_HEALTH}),
        ("A65", set()),
        ("T74.11XA", {Sensitivity.VIOLENCE}),
        ("Z63.0", set()),
        ("Z15.01", {Sensitivity.GENETIC}),
        ("I10", set()),
        ("", set()),
        ("F", set()),
        ("F3.31", set()),
        ("F33.1.2.3.4", set()),
        ("F33\u0661", set()),
        ("F" * 100_000, set()),
    ],
)
def test_a_diagnosis_is_read_by_its_category(code: str, labels: set[Sensitivity]) -> None:
    assert {entry.label for entry in catalogue().entries(CodeSystem.ICD_10_CM, code)} == labels


@pytest.mark.parametrize(
    ("name", "ingredients"),
    [
        ("buprenorphine 8 MG / naloxone 2 MG Sublingual Film [Suboxone]", {"buprenorphine"}),
        ("METHADONE HYDROCHLORIDE 10 MG Oral Tablet", {"methadone"}),
        (
            "cobicistat 150 MG / elvitegravir 150 MG / emtricitabine 200 MG Oral Tablet",
            {"cobicistat", "elvitegravir", "emtricitabine"},
        ),
        ("dextroamphetamine sulfate 5 MG Oral Tablet", {"dextroamphetamine"}),
        ("lamivudine 100 MG Oral Tablet", set()),
        ("Methadonesque", set()),
        ("", set()),
    ],
)
def test_a_product_is_read_by_its_ingredients(name: str, ingredients: set[str]) -> None:
    assert {entry.display for entry in catalogue().ingredients(name)} == ingredients


@pytest.mark.parametrize(
    ("identifier", "system"),
    [
        ("http://snomed.info/sct", CodeSystem.SNOMED_CT),
        ("http://snomed.info/sct/731000124108", CodeSystem.SNOMED_CT),
        ("http://snomed.info/sct|http://snomed.info/sct/731000124108", CodeSystem.SNOMED_CT),
        ("http://snomed.info/sct/", CodeSystem.SNOMED_CT),
        ("HTTP://hl7.org/fhir/sid/ICD-10-CM", CodeSystem.ICD_10_CM),
        ("https://hl7.org/fhir/sid/icd-10-cm/", CodeSystem.ICD_10_CM),
        (" http://hl7.org/fhir/sid/icd-10-cm|2026 ", CodeSystem.ICD_10_CM),
        ("https://terminology.hl7.org/CodeSystem/v3-actcode", CodeSystem.ACT_CODE),
        ("urn:oid:2.16.840.1.113883.6.96", CodeSystem.SNOMED_CT),
        ("2.16.840.1.113883.6.1", CodeSystem.LOINC),
        ("http://hl7.org/fhir/sid/icd-9-cm", None),
        ("http://snomed.info/sctx", None),
        ("", None),
    ],
)
def test_a_system_is_known_by_its_url_and_its_oid(identifier: str, system: CodeSystem | None) -> None:
    assert system_named(identifier) is system


def test_no_value_sets_propose_nothing() -> None:
    empty = Catalogue(iter(()))
    assert empty.entries(CodeSystem.ICD_10_CM, "F11.20") == ()
    assert empty.ingredients("methadone") == ()
