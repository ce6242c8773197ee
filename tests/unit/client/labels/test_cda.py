"""Labels proposed from a C-CDA document."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from concord.errors import DocumentError
from concord.labels import Proposal, propose
from concord_formats.vocabulary import Information, Sensitivity
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.labels.documents import CDA, SECRET, cda, problem

ICD = "2.16.840.1.113883.6.90"
SNOMED = "2.16.840.1.113883.6.96"
LOINC = "2.16.840.1.113883.6.1"
RXNORM = "2.16.840.1.113883.6.88"
CONFIDENTIALITY = "2.16.840.1.113883.5.25"
ACT_CODE = "2.16.840.1.113883.5.4"
GENERAL = {Sensitivity.GENERAL}
SAMPLES = Path(__file__).resolve().parents[5] / "shared" / "samples"


def proposed(inside: str = "", header: str = "") -> Proposal:
    return propose(cda(inside, header), CDA)


def coded(element: str, oid: str, code: str) -> str:
    return f'<{element} code="{code}" codeSystem="{oid}"/>'


@pytest.mark.parametrize(
    ("oid", "code", "label"),
    [
        (ICD, "F11.20", Sensitivity.SUBSTANCE_USE),
        (SNOMED, "75544000", Sensitivity.SUBSTANCE_USE),
        (SNOMED, "35489007", Sensitivity.BEHAVIORAL_HEALTH),
        (LOINC, "20447-9", Sensitivity.HIV),
        (LOINC, "44261-6", Information.SCREENING_RESULTS),
        (LOINC, "46240-8", Information.ATTENDANCE),
        (RXNORM, "1819", Sensitivity.SUBSTANCE_USE),
        (ACT_CODE, "42CFRPart2", Sensitivity.PART_2),
    ],
)
def test_a_code_asks_for_its_label(oid: str, code: str, label: Information | Sensitivity) -> None:
    proposal = proposed(problem(oid, code))
    assert label in proposal.information | proposal.sensitivity


def test_a_finding_says_where_it_stands_and_repeats_no_word_of_the_document() -> None:
    proposal = proposed(problem(SNOMED, "38341003") + problem(ICD, "F11.20"))
    finding = next(each for each in proposal.findings if each.code == "F11.20")
    assert (finding.label, finding.system) == (Sensitivity.SUBSTANCE_USE, "ICD-10-CM")
    assert finding.path == (
        "/ClinicalDocument[1]/component[1]/structuredBody[1]/component[1]/section[1]"
        "/entry[2]/act[1]/entryRelationship[1]/observation[1]/value[1]"
    )
    assert SECRET not in str(proposal.findings)


def test_a_translation_is_read() -> None:
    """EHRs put the ICD-10-CM code beside the SNOMED CT one."""
    assert proposed(problem(SNOMED, "1", coded("translation", ICD, "B20"))).sensitivity == {Sensitivity.HIV}


def test_a_section_says_what_it_holds_unless_it_is_empty() -> None:
    results = f"<component><section>{coded('code', LOINC, '30954-2')}</section></component>"
    empty = results.replace("<section>", '<section nullFlavor="NI">')
    assert proposed(results).information == {Information.MEDICAL_CONDITIONS, Information.LAB_RESULTS}
    assert proposed(empty).information == {Information.MEDICAL_CONDITIONS}
    # What stands in it all the same is read.
    assert proposed(empty.replace("</section>", problem(ICD, "B20") + "</section>")).sensitivity == {Sensitivity.HIV}


def test_a_medication_is_known_by_its_name() -> None:
    material = '<code code="1" codeSystem="2.16.840.1.113883.6.69" displayName="Buprenorphine 8 MG"/>'
    proposal = proposed(f"<consumable><manufacturedMaterial>{material}</manufacturedMaterial></consumable>")
    assert proposal.sensitivity == {Sensitivity.SUBSTANCE_USE}
    finding = next(each for each in proposal.findings if each.label == Sensitivity.SUBSTANCE_USE)
    assert (finding.display, finding.code) == ("buprenorphine", "")


def test_an_allergy_to_a_drug_is_no_sign_that_it_is_taken() -> None:
    entity = f"<participant><playingEntity>{coded('code', RXNORM, '6813')}</playingEntity></participant>"
    assert proposed(entity).sensitivity == GENERAL


@pytest.mark.parametrize("code", ["R", "V"])
def test_a_restricted_document_that_does_not_say_why_is_not_called_general(code: str) -> None:
    header = coded("confidentialityCode", CONFIDENTIALITY, code)
    assert proposed(header=header).restricted
    assert proposed(header=header).sensitivity == frozenset()
    assert proposed(problem(ICD, "F11.20"), header).sensitivity == {Sensitivity.SUBSTANCE_USE}
    assert not proposed(header=coded("confidentialityCode", CONFIDENTIALITY, "N")).restricted


def test_a_denied_problem_is_in_the_document_all_the_same() -> None:
    denied = problem(ICD, "F11.20").replace("<observation>", '<observation negationInd="true">')
    assert proposed(denied).sensitivity == {Sensitivity.SUBSTANCE_USE}


def test_an_entry_outside_a_coded_section_is_known_by_its_template() -> None:
    activity = '<templateId root="2.16.840.1.113883.10.20.22.4.16" extension="2014-06-09"/>'
    assert Information.MEDICATIONS in proposed(activity).information


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE ClinicalDocument>",
        '<!DOCTYPE a [<!ENTITY a "b">]>',
        '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_declarations_are_refused(before: str) -> None:
    with pytest.raises(DocumentError):
        propose(cda(before=before), CDA)


@pytest.mark.parametrize(
    "body",
    [b"", b"<", b"<html/>", b"<ClinicalDocument/>", b'<?xml version="1.0" encoding="x"?><a/>', b"<a>" * 100_000],
)
def test_what_is_no_clinical_document_is_refused(body: bytes) -> None:
    with pytest.raises(DocumentError):
        propose(io.BytesIO(body), CDA)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(DocumentError, match="nested"):
        propose(cda("<entry>" * 300 + "</entry>" * 300), CDA)


def test_a_stream_is_left_at_its_start() -> None:
    document = cda(problem(ICD, "F11.20"))
    assert propose(document, CDA) == propose(document, "application/xml; charset=utf-8")
    assert document.tell() == 0


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(st.characters(codec="utf-8", exclude_characters='<>&"', exclude_categories=["C"])))
def test_any_code_is_read_or_passed_over(inside: str, code: str) -> None:
    assert proposed(problem(ICD, code.replace("\x00", ""))).sensitivity
    try:
        assert proposed(inside).sensitivity
    except DocumentError:
        assert set(inside) & set("<&") or not inside.isprintable()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="HL7's own examples are not committed")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.xml")), ids=lambda path: path.name)
def test_hl7_examples_ask_for_the_kinds_they_hold(path: Path) -> None:
    proposal = propose(path, CDA)
    assert proposal.information >= {Information.ALLERGIES, Information.LAB_RESULTS}
    assert Sensitivity.PART_2 not in proposal.sensitivity
    assert proposal.sensitivity
