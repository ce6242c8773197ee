"""FHIR R4 Consent: what goes out and comes in again is the same, and nothing in it goes unread."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from concord_formats.fhir_consent import (
    ConsentRecord,
    ForeignPatient,
    NamedByNpi,
    NotRepresentableError,
    Reading,
    Standing,
    codes,
    read_consent,
    write_consent,
)
from concord_formats.fhir_consent.walk import shown
from concord_formats.vocabulary import ConsentType, Information, Purpose, Sensitivity
from fhir.resources.R4B.consent import Consent
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.formats.fhir_consents import RECORD, leaves, objects, records, signed, with_


def paths(error: pytest.ExceptionInfo[NotRepresentableError]) -> list[str]:
    return [place.path for place in error.value.places]


@given(records())
@settings(max_examples=60, deadline=None)
def test_a_consent_that_went_out_and_came_in_again_is_the_same(record: ConsentRecord) -> None:
    resource = json.loads(json.dumps(write_consent(record)))
    assert read_consent(resource) == Reading(record, ())
    assert write_consent(read_consent(resource).record) == resource


@given(records())
@settings(max_examples=20, deadline=None)
def test_what_goes_out_is_valid_and_names_nobody(record: ConsentRecord) -> None:
    resource = write_consent(record)
    Consent.model_validate(resource)
    names = {steps[-1] for steps in leaves(resource)}
    assert not {"display", "text", "div", "title"} & names


@given(records(), st.data(), st.sampled_from(["other", 7, True, None, {}, [], {"a": [1]}]))
@settings(max_examples=120, deadline=None)
def test_no_value_in_it_goes_unread(record: ConsentRecord, data: st.DataObject, value: object) -> None:
    """Whichever value is another one, the consent is refused or is another consent; it never fails otherwise."""
    resource = write_consent(record)
    steps = data.draw(st.sampled_from(list(leaves(resource))))
    changed = with_(resource, steps, value)
    if changed == resource:
        return
    try:
        assert read_consent(changed).record != record
    except NotRepresentableError as error:
        assert error.places


@given(records(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_member_that_is_not_known_is_refused_with_its_path(record: ConsentRecord, data: st.DataObject) -> None:
    resource = write_consent(record)
    steps = (*data.draw(st.sampled_from(list(objects(resource)))), "unheardOf")
    for ignoring in (False, True):
        with pytest.raises(NotRepresentableError) as error:
            read_consent(with_(resource, steps, "Jane Doe"), ignoring=ignoring)
        found = [path for path in paths(error) if shown(steps).startswith(path)]
        assert found, paths(error)
        assert "Jane" not in str(error.value)


@pytest.mark.parametrize("standing", [each for each in Standing if each not in (Standing.DRAFT, Standing.ACTIVE)])
def test_what_allows_nothing_any_more_is_inactive(standing: Standing) -> None:
    resource = write_consent(replace(RECORD, status=standing))
    assert resource["status"] == "inactive"
    del resource["extension"]
    with pytest.raises(NotRepresentableError) as error:
        read_consent(resource)
    assert paths(error) == ["status"]


def test_every_reason_not_to_write_is_listed() -> None:
    record = replace(
        RECORD,
        type=ConsentType.EMERGENCY,
        patient=ForeignPatient("Patient/f001"),
        recipient=NamedByNpi("1234567893", "provision.actor[1].reference"),
    )
    with pytest.raises(NotRepresentableError) as error:
        write_consent(record)
    assert paths(error) == ["policyRule", "patient", "provision.actor[1].reference"]


def test_the_end_of_a_period_is_included_and_the_end_of_a_consent_is_not() -> None:
    period = write_consent(RECORD)["provision"]["period"]
    assert period == {"start": "2026-11-23T12:00:00Z", "end": "2027-11-23T11:59:59.999999Z"}


def test_a_draft_that_says_nothing_yet_does_not_allow_everything() -> None:
    """An absent list is no limit in FHIR: what is not known yet is said to be so."""
    draft = replace(RECORD, purposes=frozenset(), information=frozenset(), sensitivity=frozenset())
    permit = write_consent(draft)["provision"]["provision"][0]
    for name in ("purpose", "code", "securityLabel"):
        assert permit[name] == [
            {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                        "valueCode": "unknown",
                    }
                ]
            }
        ]


@given(signed.filter(lambda each: each.signer == "representative"))
@settings(max_examples=10, deadline=None)
def test_only_the_patient_s_own_signature_names_a_performer(evidence: object) -> None:
    assert "performer" not in write_consent(replace(RECORD, evidence=evidence))
    mine = write_consent(replace(RECORD, evidence=replace(evidence, signer="patient")))
    assert mine["performer"] == [mine["patient"]]


def test_the_codes_are_those_of_the_spec() -> None:
    text = (Path(__file__).parents[3] / "spec" / "fhir-consent.md").read_text(encoding="utf-8")
    rows = {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines()}
    written = {row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1])) for row in rows if len(row) == 2}
    tables: list[tuple[Mapping[StrEnum, Any], type[StrEnum]]] = [
        (codes.PURPOSES, Purpose),
        (codes.SENSITIVITIES, Sensitivity),
        (codes.KINDS, Information),
    ]
    for table, words in tables:
        for word in words:
            found = table[word]
            several = found if isinstance(found, tuple) and not isinstance(found, codes.Code) else [found]
            assert written[word.value] == {each.code for each in several if each}
    for extension in codes.Extension:
        assert f"`{extension}`" in text
