"""Code systems, under the names that documents give them.

Owns the short names that the value sets use. Refuses a system that no value set draws on: its codes go unseen.
Sources: HL7 Terminology (THO), the canonical URLs and OIDs of each system; HL7 FHIR R4, "Using Codes in Resources".
"""

from __future__ import annotations

from enum import StrEnum


class CodeSystem(StrEnum):
    """A system of codes; the last two are what a document is made of rather than what its codes say."""

    ICD_10_CM = "ICD-10-CM"
    SNOMED_CT = "SNOMED CT"
    LOINC = "LOINC"
    RXNORM = "RxNorm"
    CONFIDENTIALITY = "HL7 Confidentiality"
    ACT_CODE = "HL7 ActCode"
    OBSERVATION_CATEGORY = "FHIR observation category"
    CONDITION_CATEGORY = "FHIR condition category"
    DIAGNOSTIC_SERVICE = "HL7 v2 0074"
    RESOURCE = "FHIR resource"
    TEMPLATE = "C-CDA template"


_IDENTIFIERS = {
    "http://hl7.org/fhir/sid/icd-10-cm": CodeSystem.ICD_10_CM,
    "2.16.840.1.113883.6.90": CodeSystem.ICD_10_CM,
    # WHO's ICD-10 has the same categories where the value sets go by three characters.
    "http://hl7.org/fhir/sid/icd-10": CodeSystem.ICD_10_CM,
    "2.16.840.1.113883.6.3": CodeSystem.ICD_10_CM,
    "http://snomed.info/sct": CodeSystem.SNOMED_CT,
    "2.16.840.1.113883.6.96": CodeSystem.SNOMED_CT,
    "http://loinc.org": CodeSystem.LOINC,
    "2.16.840.1.113883.6.1": CodeSystem.LOINC,
    "http://www.nlm.nih.gov/research/umls/rxnorm": CodeSystem.RXNORM,
    "2.16.840.1.113883.6.88": CodeSystem.RXNORM,
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality": CodeSystem.CONFIDENTIALITY,
    "http://hl7.org/fhir/v3/Confidentiality": CodeSystem.CONFIDENTIALITY,  # FHIR STU3
    "2.16.840.1.113883.5.25": CodeSystem.CONFIDENTIALITY,
    "http://terminology.hl7.org/CodeSystem/v3-ActCode": CodeSystem.ACT_CODE,
    "http://hl7.org/fhir/v3/ActCode": CodeSystem.ACT_CODE,
    "2.16.840.1.113883.5.4": CodeSystem.ACT_CODE,
    "http://terminology.hl7.org/CodeSystem/observation-category": CodeSystem.OBSERVATION_CATEGORY,
    "http://terminology.hl7.org/CodeSystem/condition-category": CodeSystem.CONDITION_CATEGORY,
    "http://terminology.hl7.org/CodeSystem/v2-0074": CodeSystem.DIAGNOSTIC_SERVICE,
}
_BY_PLAIN_NAME = {each.lower(): system for each, system in _IDENTIFIERS.items()}
_SNOMED_EDITION = "http://snomed.info/sct/"


def system_named(identifier: str) -> CodeSystem | None:
    """The system behind a URL, an OID or `urn:oid:…`, or None.

    A URL is forgiven what real documents do to it: a version (`|2024`), `https`, capital letters, a slash at its end. A
    system that is missed is a label that is missed.
    """
    plain = identifier.partition("|")[0].strip().lower().removeprefix("urn:oid:")
    plain = plain.replace("https://", "http://", 1)
    if plain.startswith(_SNOMED_EDITION):
        return CodeSystem.SNOMED_CT
    return _BY_PLAIN_NAME.get(plain.rstrip("/"))


__all__ = ["CodeSystem", "system_named"]
