"""What a form of one type may not say: a table, each row with its citation.

Owns the refusal to print what a patient could not lawfully sign. Refuses nothing that the consent service lets stand
in a draft: the service's own table decides there, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from concord_formats.vocabulary import ConsentType, ExpiryEvent, Information, Purpose, Sensitivity

from ..errors import FormError

# Notes that take a form of their own, by type: 45 CFR 164.508(b)(3)(ii), 42 CFR 2.31(b).
OWN_NOTES = {
    ConsentType.PSYCHOTHERAPY_NOTES: Sensitivity.PSYCHOTHERAPY_NOTES,
    ConsentType.SUD_COUNSELING_NOTES: Sensitivity.SUD_COUNSELING_NOTES,
}
PART_2_TYPES = frozenset({ConsentType.PART_2_CONSENT, ConsentType.PART_2_TPO, ConsentType.SUD_COUNSELING_NOTES})
_TPO = frozenset({Purpose.TREATMENT, Purpose.CARE_COORDINATION, Purpose.PAYMENT, Purpose.OPERATIONS})


@dataclass(frozen=True)
class Said:
    """The words of a form, for the table."""

    type: ConsentType
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    expires_on: ExpiryEvent | None


# (field, why it cannot stand and where that is written, how to see it)
_REFUSALS: tuple[tuple[str, str, Callable[[Said], bool]], ...] = (
    ("type", "nobody signs for an emergency beforehand (42 CFR 2.51)", lambda said: said.type is ConsentType.EMERGENCY),
    ("purposes", "names none", lambda said: not said.purposes),
    ("information", "names none", lambda said: not said.information),
    ("sensitivity", "names none", lambda said: not said.sensitivity),
    (
        "purposes",
        "nobody signs for an emergency beforehand (42 CFR 2.51)",
        lambda said: Purpose.EMERGENCY in said.purposes,
    ),
    (
        "purposes",
        "payment and operations stand only in a form of type part-2-tpo (42 CFR 2.31(a)(5)(ii))",
        lambda said: (
            said.type is not ConsentType.PART_2_TPO and bool(said.purposes & {Purpose.PAYMENT, Purpose.OPERATIONS})
        ),
    ),
    (
        "purposes",
        "a form of type part-2-tpo is for treatment, care-coordination, payment and operations only",
        lambda said: said.type is ConsentType.PART_2_TPO and not said.purposes <= _TPO,
    ),
    (
        "sensitivity",
        "a form for notes names those notes",
        lambda said: said.type in OWN_NOTES and OWN_NOTES[said.type] not in said.sensitivity,
    ),
    (
        "sensitivity",
        "notes take a form of their own (45 CFR 164.508(b)(3)(ii), 42 CFR 2.31(b))",
        lambda said: any(label in said.sensitivity and said.type is not type_ for type_, label in OWN_NOTES.items()),
    ),
    (
        "sensitivity",
        "a program's records take a form under 42 CFR Part 2",
        lambda said: Sensitivity.PART_2 in said.sensitivity and said.type not in PART_2_TYPES,
    ),
    (
        "expires_on",
        "only a form of type part-2-tpo may name no event (42 CFR 2.31(a)(7))",
        lambda said: said.expires_on is ExpiryEvent.NONE and said.type is not ConsentType.PART_2_TPO,
    ),
)


def check_fit(
    type_: ConsentType,
    purposes: frozenset[Purpose],
    information: frozenset[Information],
    sensitivity: frozenset[Sensitivity],
    expires_on: ExpiryEvent | None,
) -> None:
    """Refuse a form that may not be signed. Raises `FormError` with the first field that cannot stand."""
    said = Said(type_, purposes, information, sensitivity, expires_on)
    for field, why, broken in _REFUSALS:
        if broken(said):
            raise FormError(field, why)
