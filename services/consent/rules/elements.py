"""What a consent must hold before anything is disclosed on it: a table of elements, each with its citation by type.

Owns the table and the check. Refuses to judge the form itself, which the service cannot read: it attests structure,
and takes what the practitioner who attached the form attests of its words. A further element, or a further body of law,
is a further row. Sources: 45 CFR 164.508(b)(2), (c)(1) to (c)(4); 42 CFR 2.31(a) to (c), 2.51(c).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from concord_formats.vocabulary import ConsentType, FormStatement, Purpose

from .fit import broken_prohibitions, only_with
from .terms import Attestation, SignatureMethod, Signer, Text
from .window import has_ended

_HIPAA = (ConsentType.HIPAA_AUTHORIZATION, ConsentType.PSYCHOTHERAPY_NOTES)
_PART_2 = (ConsentType.PART_2_CONSENT, ConsentType.PART_2_TPO, ConsentType.SUD_COUNSELING_NOTES)
# Changed by hand when what a row asks for changes without its name or citation: consents in force are judged anew.
EDITION = "42 CFR Part 2 as of 2024, in force 2026-02-16; 45 CFR 164.508"

ACCEPTANCE = "acceptance"


@dataclass(frozen=True)
class Element:
    """One thing that must be there: its name, where that is written for each type it is asked of, how to see it."""

    name: str
    citations: Mapping[ConsentType, str]
    holds: Callable[[Text], bool]


@dataclass(frozen=True)
class Missing:
    """An element that is not there, as a refusal lists it."""

    element: str
    citation: str


class IncompleteError(ValueError):
    """A consent lacks elements; `missing` lists every one of them."""

    def __init__(self, missing: tuple[Missing, ...]) -> None:
        super().__init__(f"lacks {', '.join(each.element for each in missing)}")
        self.missing = missing


def _cited(
    *, hipaa: str | None = None, part_2: str | None = None, tpo: str | None = None, emergency: str | None = None
) -> dict[ConsentType, str]:
    """The citations of one element; `tpo` is added to `part_2`, or stands alone."""
    found: dict[ConsentType, str] = {}
    if hipaa:
        found |= dict.fromkeys(_HIPAA, f"45 CFR {hipaa}")
    if part_2:
        found |= dict.fromkeys(_PART_2, f"42 CFR {part_2}")
    if tpo:
        found[ConsentType.PART_2_TPO] = f"42 CFR {tpo}"
    if emergency:
        found[ConsentType.EMERGENCY] = f"42 CFR {emergency}"
    return found


def _attests(test: Callable[[Attestation], bool]) -> Callable[[Text], bool]:
    return lambda text: text.evidence is not None and test(text.evidence.attested)


def _states(statement: FormStatement) -> Callable[[Text], bool]:
    return _attests(lambda form: statement in form.statements)


ELEMENTS: tuple[Element, ...] = (
    # The token stands for the name, which the service never learns.
    Element(
        "patient",
        _cited(hipaa="164.508(c)(1)(i)", part_2="2.31(a)(1)", emergency="2.51(c)"),
        lambda text: bool(text.terms.patient),
    ),
    Element(
        "discloser",
        _cited(hipaa="164.508(c)(1)(ii)", part_2="2.31(a)(2)", emergency="2.51(c)(2)"),
        lambda text: bool(text.terms.discloser),
    ),
    Element(
        "recipient",
        _cited(hipaa="164.508(c)(1)(iii)", part_2="2.31(a)(4)(i)", emergency="2.51(c)(1)"),
        lambda text: bool(text.terms.recipient),
    ),
    Element(
        "purpose",
        _cited(hipaa="164.508(c)(1)(iv)", part_2="2.31(a)(5)"),
        lambda text: bool(text.terms.purposes),
    ),
    Element(
        "information",
        _cited(hipaa="164.508(c)(1)(i)", part_2="2.31(a)(3)"),
        lambda text: bool(text.terms.information),
    ),
    Element(
        "sensitivity",
        _cited(hipaa="164.508(c)(1)(i)", part_2="2.31(a)(3)"),
        lambda text: bool(text.terms.sensitivity),
    ),
    Element(
        "own-notes",
        {
            ConsentType.PSYCHOTHERAPY_NOTES: "45 CFR 164.508(a)(2)",
            ConsentType.SUD_COUNSELING_NOTES: "42 CFR 2.31(b)",
        },
        lambda text: only_with(text.terms) in text.terms.sensitivity,
    ),
    Element(
        "expiration",
        _cited(hipaa="164.508(c)(1)(v)", part_2="2.31(a)(7)"),
        lambda text: text.terms.valid_until > text.terms.valid_from,
    ),
    # Spoken words are on record as such, and are no signature under either law.
    Element(
        "signature",
        _cited(hipaa="164.508(c)(1)(vi)", part_2="2.31(a)(8)"),
        _attests(lambda form: form.method is not SignatureMethod.VERBAL),
    ),
    Element(
        "signature-date",
        _cited(hipaa="164.508(c)(1)(vi)", part_2="2.31(a)(9)"),
        lambda text: text.evidence is not None,
    ),
    Element(
        "representative-authority",
        _cited(hipaa="164.508(c)(1)(vi)", part_2="2.31(a)(8)"),
        _attests(lambda form: form.signer is Signer.PATIENT or form.authority is not None),
    ),
    Element(
        "right-to-revoke",
        _cited(hipaa="164.508(c)(2)(i)", part_2="2.31(a)(6)"),
        _states(FormStatement.RIGHT_TO_REVOKE),
    ),
    Element(
        "revocation-exceptions",
        _cited(hipaa="164.508(c)(2)(i)(A)", part_2="2.31(a)(6)"),
        _states(FormStatement.REVOCATION_EXCEPTIONS),
    ),
    Element(
        "how-to-revoke",
        _cited(hipaa="164.508(c)(2)(i)(A)", part_2="2.31(a)(6)"),
        _states(FormStatement.HOW_TO_REVOKE),
    ),
    Element("conditioning", _cited(hipaa="164.508(c)(2)(ii)"), _states(FormStatement.CONDITIONING)),
    Element(
        "redisclosure",
        _cited(hipaa="164.508(c)(2)(iii)", tpo="2.31(a)(10)(i)"),
        _states(FormStatement.REDISCLOSURE),
    ),
    # Asked wherever a covered entity receives records for treatment, payment or operations; the recipients here treat.
    Element(
        "hipaa-redisclosure",
        _cited(part_2="2.31(a)(4)(iii)"),
        lambda text: _at_the_patient_s_request_alone(text) or _states(FormStatement.HIPAA_REDISCLOSURE)(text),
    ),
    Element("consequences-of-refusal", _cited(tpo="2.31(a)(10)(ii)"), _states(FormStatement.CONSEQUENCES_OF_REFUSAL)),
    Element("plain-language", _cited(hipaa="164.508(c)(3)"), _states(FormStatement.PLAIN_LANGUAGE)),
    Element("copy-to-signer", _cited(hipaa="164.508(c)(4)"), _attests(lambda form: form.copy_given)),
    # The sealed account of the emergency: the facility, the nature of the emergency, the discloser's name.
    Element("documentation", _cited(emergency="2.51(c)(4)"), lambda text: text.evidence is not None),
    # Not the law's word but the house's: the discloser that the law asks to be named has to take the disclosure on.
    Element(
        ACCEPTANCE,
        _cited(hipaa="164.508(c)(1)(ii)", part_2="2.31(a)(2)", emergency="2.51(c)(2)"),
        lambda text: any(direction.live(text.evidence) for direction in text.directions),
    ),
)


def _at_the_patient_s_request_alone(text: Text) -> bool:
    return bool(text.terms.purposes) and text.terms.purposes <= {Purpose.PATIENT_REQUEST}


# By which table a consent in force was judged: when this differs from what stands with it, it is judged anew.
LAW = hashlib.sha256(
    repr((EDITION, [(each.name, sorted(each.citations.items())) for each in ELEMENTS])).encode()
).hexdigest()[:16]

EXPIRED = Missing("unexpired", "45 CFR 164.508(b)(2)(i); 42 CFR 2.31(c)(1)")


def missing_elements(text: Text) -> tuple[Missing, ...]:
    """Every element that the text lacks, in the order of the table, and every prohibition that it breaks."""
    type_ = text.terms.type
    asked = [each for each in ELEMENTS if type_ in each.citations]
    lacking = [Missing(each.name, each.citations[type_]) for each in asked if not each.holds(text)]
    if type_ is ConsentType.EMERGENCY:
        return tuple(lacking)  # what a patient may or may not sign is not asked of a release without consent
    return (*lacking, *(Missing(each.name, each.citation) for each in broken_prohibitions(text.terms)))


def check_acceptance(text: Text) -> None:
    """Refuse to accept what could never be put in force as it is: its evidence would be settled, and past mending.

    Raises `IncompleteError` with everything that is missing beside the acceptance itself.
    """
    missing = tuple(each for each in missing_elements(text) if each.element != ACCEPTANCE)
    if missing:
        raise IncompleteError(missing)


def check_activation(text: Text, now: datetime) -> None:
    """Refuse to put in force what lacks an element or is over.

    Raises `IncompleteError` with everything that is missing.
    """
    missing = missing_elements(text)
    if has_ended(text.terms, now):
        missing += (EXPIRED,)
    if missing:
        raise IncompleteError(missing)
