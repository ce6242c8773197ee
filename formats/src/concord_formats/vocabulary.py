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
    PAYMENT = "payment"  # HPAYMT; only in a consent for treatment, payment and operations, 42 CFR 2.31(a)(5)(ii)
    OPERATIONS = "operations"  # HOPERAT; likewise
    EMERGENCY = "emergency"  # ETREAT; never in a consent, only in an emergency release (42 CFR 2.51)


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


class ConsentType(StrEnum):
    """Under which law a consent was written; each has elements of its own. `EMERGENCY` is no consent: the record of a
    release without one (42 CFR 2.51).
    """

    HIPAA_AUTHORIZATION = "hipaa-authorization"  # 45 CFR 164.508
    PART_2_CONSENT = "part-2-consent"  # 42 CFR 2.31, named recipients
    PART_2_TPO = "part-2-tpo"  # 42 CFR 2.31, one consent for all future treatment, payment and operations
    PSYCHOTHERAPY_NOTES = "psychotherapy-notes"  # 45 CFR 164.508(a)(2): an authorization of their own
    SUD_COUNSELING_NOTES = "sud-counseling-notes"  # 42 CFR 2.31(b): a consent of their own
    EMERGENCY = "emergency"


class ExpiryEvent(StrEnum):
    """What ends a consent besides its last day: 45 CFR 164.508(c)(1)(v), 42 CFR 2.31(a)(7)."""

    END_OF_TREATMENT = "end-of-treatment"
    DISCHARGE = "discharge"
    END_OF_EPISODE = "end-of-episode"
    NONE = "none"  # 42 CFR 2.31(a)(7) allows it for treatment, payment and operations alone


class FormStatement(StrEnum):
    """A statement that a signed form must carry, beside what it grants."""

    RIGHT_TO_REVOKE = "right-to-revoke"  # 45 CFR 164.508(c)(2)(i); 42 CFR 2.31(a)(6)
    REVOCATION_EXCEPTIONS = "revocation-exceptions"  # the same
    HOW_TO_REVOKE = "how-to-revoke"  # the same
    CONDITIONING = "conditioning"  # 45 CFR 164.508(c)(2)(ii)
    REDISCLOSURE = "redisclosure"  # 45 CFR 164.508(c)(2)(iii)
    HIPAA_REDISCLOSURE = "hipaa-redisclosure"  # 42 CFR 2.31(a)(4)(iii), (a)(10)(i)
    CONSEQUENCES_OF_REFUSAL = "consequences-of-refusal"  # 42 CFR 2.31(a)(10)(ii)
    PLAIN_LANGUAGE = "plain-language"  # 45 CFR 164.508(c)(3): of the form as a whole


class FormLanguage(StrEnum):
    """The language of a signed form."""

    ENGLISH = "en"
    SPANISH = "es"
    OTHER = "other"


class SignerAuthority(StrEnum):
    """By what authority a representative signed: 45 CFR 164.508(c)(1)(vi); 42 CFR 2.31(a)(8) with 2.14 and 2.15."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    HEALTH_CARE_AGENT = "health-care-agent"
    EXECUTOR = "executor"
    COURT_ORDER = "court-order"


class LabelReason(StrEnum):
    """Why a sender declares fewer labels than were found in the document. A closed list: a free text could be clinical,
    and the account of disclosures is on a server.
    """

    CODED_IN_ERROR = "coded-in-error"
    NOT_IN_THIS_PART = "not-in-this-part"
    RULED_OUT = "ruled-out"
    RECIPIENT_ALREADY_HAS_IT = "recipient-already-has-it"
    PATIENT_ASKED = "patient-asked"


# Records that 42 CFR Part 2 protects: each disclosure carries its notice and the scope of its consent (2.32).
PART_2_LABELS = frozenset({Sensitivity.PART_2, Sensitivity.SUD_COUNSELING_NOTES})
# 42 CFR 2.32(a)(2), word for word: the shorter of the two notices.
PART_2_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
