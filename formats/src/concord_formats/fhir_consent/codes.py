"""The code systems of a consent in FHIR, and what each code means in Concord's vocabulary.

Owns the tables. Refuses to widen: a word of Concord's is read from HL7's codes only when all the codes that it covers
are there, so that a consent for `STD` alone never becomes one for all of sexual health. Sources: HL7 Terminology (CC0),
code systems v3-ActCode, v3-ActReason, v3-Confidentiality, v3-ParticipationType, consentpolicycodes, consentscope,
consentaction; LOINC document and section codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from ..vocabulary import ConsentType, Information, Purpose, Sensitivity

_THO = "http://terminology.hl7.org/CodeSystem/"
LOINC = "http://loinc.org"
NPI = "http://hl7.org/fhir/sid/us-npi"
ACT_CODE = _THO + "v3-ActCode"
ACT_REASON = _THO + "v3-ActReason"
CONFIDENTIALITY = _THO + "v3-Confidentiality"
PARTICIPATION = _THO + "v3-ParticipationType"

# Concord's own: words that no code of HL7's says exactly, and the token that stands for a patient.
OWN_TYPE = "urn:concord:consent-type"
OWN_INFORMATION = "urn:concord:information"
OWN_SENSITIVITY = "urn:concord:sensitivity"
PATIENT_TOKEN = "urn:concord:patient-token"  # noqa: S105 - the name of an identifier system

DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


class Extension(StrEnum):
    """The URLs of Concord's own extensions."""

    VERSION = "urn:concord:fhir:version"
    STANDING = "urn:concord:fhir:standing"
    DEED = "urn:concord:fhir:deed"
    EVIDENCE = "urn:concord:fhir:evidence"
    EXPIRES_ON = "urn:concord:fhir:expires-on"
    ACCEPTED = "urn:concord:fhir:accepted"


class Code(NamedTuple):
    """One code of one system."""

    system: str
    code: str


SCOPE = Code(_THO + "consentscope", "patient-privacy")
CATEGORIES = (Code(LOINC, "59284-0"), Code(ACT_CODE, "IDSCL"))
DISCLOSE = Code(_THO + "consentaction", "disclose")

# The custodian of the information lets it go; the information recipient gets it. PRCP is a recipient as well.
DISCLOSER = Code(PARTICIPATION, "CST")
RECIPIENT = Code(PARTICIPATION, "IRCP")
ROLES: Mapping[Code, str] = {
    DISCLOSER: "discloser",
    RECIPIENT: "recipient",
    Code(PARTICIPATION, "PRCP"): "recipient",
}

_HIPAA = Code(_THO + "consentpolicycodes", "hipaa-auth")
_PART_2 = Code(ACT_CODE, "42CFRPart2")
POLICIES: Mapping[ConsentType, Code] = {
    ConsentType.HIPAA_AUTHORIZATION: _HIPAA,
    ConsentType.PSYCHOTHERAPY_NOTES: Code(ACT_CODE, "HIPAAPsyNotes"),
    ConsentType.PART_2_CONSENT: _PART_2,
    ConsentType.PART_2_TPO: _PART_2,
    ConsentType.SUD_COUNSELING_NOTES: _PART_2,
}
# What HL7's code alone means. Of the three kinds of Part 2 consent, the one that allows least.
TYPES: Mapping[Code, ConsentType] = {
    _HIPAA: ConsentType.HIPAA_AUTHORIZATION,
    Code(ACT_CODE, "HIPAAPsyNotes"): ConsentType.PSYCHOTHERAPY_NOTES,
    _PART_2: ConsentType.PART_2_CONSENT,
}

PURPOSES: Mapping[Purpose, Code] = {
    Purpose.TREATMENT: Code(ACT_REASON, "TREAT"),
    Purpose.CARE_COORDINATION: Code(ACT_REASON, "COC"),
    Purpose.PATIENT_REQUEST: Code(ACT_REASON, "PATRQT"),
    Purpose.PAYMENT: Code(ACT_REASON, "HPAYMT"),
    Purpose.OPERATIONS: Code(ACT_REASON, "HOPERAT"),
    Purpose.EMERGENCY: Code(ACT_REASON, "ETREAT"),
}

SENSITIVITIES: Mapping[Sensitivity, tuple[Code, ...]] = {
    Sensitivity.GENERAL: (Code(CONFIDENTIALITY, "N"),),
    Sensitivity.BEHAVIORAL_HEALTH: (Code(ACT_CODE, "BH"),),
    Sensitivity.SUBSTANCE_USE: (Code(ACT_CODE, "ETH"), Code(ACT_CODE, "SUD")),
    Sensitivity.PART_2: (_PART_2,),
    Sensitivity.SUD_COUNSELING_NOTES: (),
    Sensitivity.PSYCHOTHERAPY_NOTES: (Code(ACT_CODE, "PSYTHPN"),),
    Sensitivity.HIV: (Code(ACT_CODE, "HIV"),),
    Sensitivity.SEXUAL_HEALTH: (Code(ACT_CODE, "SEX"), Code(ACT_CODE, "STD")),
    Sensitivity.VIOLENCE: (Code(ACT_CODE, "SDV"),),
    Sensitivity.GENETIC: (Code(ACT_CODE, "GDIS"),),
}

KINDS: Mapping[Information, Code | None] = {
    Information.REASON_FOR_REFERRAL: Code(LOINC, "42349-1"),
    Information.DIAGNOSES: Code(LOINC, "29308-4"),
    Information.MEDICAL_CONDITIONS: Code(LOINC, "11450-4"),
    Information.MEDICATIONS: Code(LOINC, "10160-0"),
    Information.ALLERGIES: Code(LOINC, "48765-2"),
    Information.TREATMENT_PLAN: Code(LOINC, "18776-5"),
    Information.PROGRESS_SUMMARY: Code(LOINC, "11506-3"),
    Information.SCREENING_RESULTS: None,
    Information.LAB_RESULTS: Code(LOINC, "30954-2"),
    Information.ATTENDANCE: Code(LOINC, "46240-8"),
    Information.DISCHARGE_SUMMARY: Code(LOINC, "18842-5"),
    Information.COORDINATION: None,
}
