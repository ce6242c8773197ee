"""What a consent must hold before anything is disclosed on it: a table of elements, each with its citation.

Owns the table and the check. Refuses to judge the form itself, which the service cannot read: it attests structure. A
further element, or a further body of law, is a further row. Sources: 45 CFR 164.508(b)(2) and (c)(1); 42 CFR 2.31(a)
and (c).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .terms import Text
from .window import has_ended


@dataclass(frozen=True)
class Element:
    """One thing that must be there: its name, where that is written, and how to see that it is."""

    name: str
    citation: str
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


ELEMENTS: tuple[Element, ...] = (
    # The token stands for the name, which the service never learns.
    Element("patient", "42 CFR 2.31(a)(1)", lambda text: bool(text.terms.patient)),
    Element("discloser", "45 CFR 164.508(c)(1)(ii); 42 CFR 2.31(a)(2)", lambda text: bool(text.terms.discloser)),
    Element("recipient", "45 CFR 164.508(c)(1)(iii); 42 CFR 2.31(a)(4)", lambda text: bool(text.terms.recipient)),
    Element("purpose", "45 CFR 164.508(c)(1)(iv); 42 CFR 2.31(a)(5)", lambda text: bool(text.terms.purposes)),
    Element("information", "45 CFR 164.508(c)(1)(i); 42 CFR 2.31(a)(3)", lambda text: bool(text.terms.information)),
    Element("sensitivity", "45 CFR 164.508(c)(1)(i); 42 CFR 2.31(a)(3)", lambda text: bool(text.terms.sensitivity)),
    Element(
        "expiration",
        "45 CFR 164.508(c)(1)(v); 42 CFR 2.31(a)(7)",
        lambda text: text.terms.valid_until > text.terms.valid_from,
    ),
    Element("signature", "45 CFR 164.508(c)(1)(vi); 42 CFR 2.31(a)(8)", lambda text: text.evidence is not None),
    Element("signature-date", "45 CFR 164.508(c)(1)(vi); 42 CFR 2.31(a)(9)", lambda text: text.evidence is not None),
    # Not the law's word but the house's: the discloser that the law asks to be named has to take the disclosure on.
    Element(
        "acceptance",
        "Concord: a discloser accepts for itself (see 45 CFR 164.508(c)(1)(ii); 42 CFR 2.31(a)(2))",
        lambda text: any(direction.live(text.evidence) for direction in text.directions),
    ),
)

EXPIRED = Missing("unexpired", "45 CFR 164.508(b)(2)(i); 42 CFR 2.31(c)(1)")


def missing_elements(text: Text) -> tuple[Missing, ...]:
    """Every element that the text lacks, in the order of the table."""
    return tuple(Missing(each.name, each.citation) for each in ELEMENTS if not each.holds(text))


def check_activation(text: Text, now: datetime) -> None:
    """Refuse to put in force what lacks an element or is over.

    Raises `IncompleteError` with everything that is missing.
    """
    missing = missing_elements(text)
    if has_ended(text.terms, now):
        missing += (EXPIRED,)
    if missing:
        raise IncompleteError(missing)
