"""What a consent of one type may not say: a table of prohibitions, each with its citation.

Owns what may not stand together in one consent. Refuses to name what lacks: that is `elements`. Sources: 45 CFR
164.508(a)(2) and (b)(3)(ii); 42 CFR 2.31(a)(5), (a)(7), (b) and (d), 2.33.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from concord_formats.vocabulary import ConsentType, ExpiryEvent, Purpose, Sensitivity

from .terms import Terms, TermsError

# Notes that take a consent of their own, and its type.
OWN_CONSENT: Mapping[Sensitivity, ConsentType] = {
    Sensitivity.PSYCHOTHERAPY_NOTES: ConsentType.PSYCHOTHERAPY_NOTES,
    Sensitivity.SUD_COUNSELING_NOTES: ConsentType.SUD_COUNSELING_NOTES,
}
# Consents written under 42 CFR Part 2: a HIPAA authorization does not open a program's records.
PART_2_TYPES = frozenset({ConsentType.PART_2_CONSENT, ConsentType.PART_2_TPO, ConsentType.SUD_COUNSELING_NOTES})
_TPO = frozenset({Purpose.TREATMENT, Purpose.CARE_COORDINATION, Purpose.PAYMENT, Purpose.OPERATIONS})
_BEYOND_TREATMENT = frozenset({Purpose.PAYMENT, Purpose.OPERATIONS})


@dataclass(frozen=True)
class Prohibition:
    """One thing that may not stand: in which member, where that is written, how to see it, how to mend it."""

    name: str
    field: str
    citation: str
    broken: Callable[[Terms], bool]
    mend: str


PROHIBITIONS: tuple[Prohibition, ...] = (
    Prohibition(
        "emergency-is-no-consent",
        "type",
        "42 CFR 2.51",
        lambda terms: terms.type is ConsentType.EMERGENCY or Purpose.EMERGENCY in terms.purposes,
        "nobody consents to an emergency beforehand; the sender declares one when it is there",
    ),
    Prohibition(
        "psychotherapy-notes-apart",
        "sensitivity",
        "45 CFR 164.508(a)(2), (b)(3)(ii)",
        lambda terms: _misplaced(terms, Sensitivity.PSYCHOTHERAPY_NOTES),
        "psychotherapy notes take an authorization of their own, of type psychotherapy-notes",
    ),
    Prohibition(
        "sud-counseling-notes-apart",
        "sensitivity",
        "42 CFR 2.31(b)",
        lambda terms: _misplaced(terms, Sensitivity.SUD_COUNSELING_NOTES),
        "SUD counseling notes take a consent of their own, of type sud-counseling-notes",
    ),
    Prohibition(
        "part-2-under-part-2",
        "sensitivity",
        "42 CFR 2.31(a), 2.33(a)",
        lambda terms: Sensitivity.PART_2 in terms.sensitivity and terms.type not in PART_2_TYPES,
        "a program's records take a consent under 42 CFR Part 2, of type part-2-consent or part-2-tpo",
    ),
    Prohibition(
        "payment-only-in-tpo",
        "purposes",
        "42 CFR 2.31(a)(5)(ii)",
        lambda terms: bool(terms.purposes & _BEYOND_TREATMENT) and terms.type is not ConsentType.PART_2_TPO,
        "payment and operations stand only in a consent of type part-2-tpo",
    ),
    Prohibition(
        "tpo-and-no-more",
        "purposes",
        "42 CFR 2.31(a)(5)(ii)",
        lambda terms: terms.type is ConsentType.PART_2_TPO and not terms.purposes <= _TPO,
        "a consent of type part-2-tpo is for treatment, care-coordination, payment and operations only",
    ),
    Prohibition(
        "no-end-only-in-tpo",
        "expires_on",
        "42 CFR 2.31(a)(7); 45 CFR 164.508(c)(1)(v)",
        lambda terms: terms.expires_on is ExpiryEvent.NONE and terms.type is not ConsentType.PART_2_TPO,
        "only a consent of type part-2-tpo may name no event; leave it out, or name one",
    ),
)


def broken_prohibitions(terms: Terms) -> tuple[Prohibition, ...]:
    """Every prohibition that the terms break, in the order of the table."""
    return tuple(each for each in PROHIBITIONS if each.broken(terms))


def check_fit(terms: Terms) -> None:
    """Refuse what may not stand. Raises `TermsError` that names the first member and the citation."""
    for each in broken_prohibitions(terms):
        raise TermsError(each.field, f"{each.mend} ({each.citation})")


def only_with(terms: Terms) -> Sensitivity | None:
    """The label without which a letter is not covered: a consent for notes covers those notes and nothing beside."""
    return next((label for label, type_ in OWN_CONSENT.items() if type_ is terms.type), None)


def _misplaced(terms: Terms, label: Sensitivity) -> bool:
    return label in terms.sensitivity and terms.type is not OWN_CONSENT[label]
