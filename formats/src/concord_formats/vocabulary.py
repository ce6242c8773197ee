"""The words a consent and a letter may use: purposes, kinds of information, sensitivities, parties.

Owns the closed lists and their HL7 codes. Refuses free text: a word that is not listed here matches nothing, anywhere.
Sources: HL7 v3 ActReason (purpose of use), HL7 v3 ActCode and Confidentiality (sensitivity), 45 CFR 164.508(c)(1)(i)
(a specific and meaningful description of the information), 42 CFR 2.31(a)(3).
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why information is disclosed; HL7 v3 ActReason beside each."""

    TREATMENT = "treatment"  # TREAT
    CARE_COORDINATION = "care-coordination"  # COC
    PATIENT_REQUEST = "patient-request"  # PATRQT


class Information(StrEnum):
    """What kind of information a letter carries; a letter names every kind that is in it."""

    REASON_FOR_REFERRAL = "reason-for-referral"
    DIAGNOSES = "diagnoses"
    MEDICAL_CONDITIONS = "medical-conditions"
    MEDICATIONS = "medications"
    ALLERGIES = "allergies"
    TREATMENT_PLAN = "treatment-plan"
    PROGRESS_SUMMARY = "progress-summary"
    SCREENING_RESULTS = "screening-results"
    LAB_RESULTS = "lab-results"
    ATTENDANCE = "attendance"
    DISCHARGE_SUMMARY = "discharge-summary"
    COORDINATION = "coordination"  # a message about care that carries none of the above


class Sensitivity(StrEnum):
    """How sensitive the information is; HL7 v3 ActCode or Confidentiality beside each."""

    GENERAL = "general"  # N
    BEHAVIORAL_HEALTH = "behavioral-health"  # BH, PSY
    SUBSTANCE_USE = "substance-use"  # SUD, ETH
    PART_2 = "part-2"  # 42CFRPart2, R: provenance, not a diagnosis
    SUD_COUNSELING_NOTES = "sud-counseling-notes"
    PSYCHOTHERAPY_NOTES = "psychotherapy-notes"  # PSYTHPN
    HIV = "hiv"  # HIV
    SEXUAL_HEALTH = "sexual-health"  # SEX, STD
    VIOLENCE = "violence"  # SDV
    GENETIC = "genetic"  # GDIS


class PartyKind(StrEnum):
    """Who may stand in a consent: a class of persons matches nobody until it is resolved to one of these."""

    PRACTITIONER = "practitioner"
    ORGANIZATION = "organization"
