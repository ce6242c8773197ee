"""What a patient asked to withhold, and a provider agreed to withhold: deny wins over any consent.

Owns the value, what one comes to at the gate, and the ways in which one ends. Refuses to weigh: an agreed restriction
is never outweighed by a consent, only ended. Sources: 45 CFR 164.522(a), 42 CFR 2.26.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from concord_formats.vocabulary import Information, Sensitivity

from .standing import Member
from .terms import Party


class RestrictionStatus(StrEnum):
    """Where a restriction stands. Only an agreed one withholds anything."""

    AGREED = "agreed"
    DECLINED_BY_PROVIDER = "declined-by-provider"  # asked for, and not agreed to: on record only
    ENDED = "ended"


class EndedHow(StrEnum):
    """By whose word a restriction ended: 45 CFR 164.522(a)(2)(i) and (ii).

    A provider's own termination, (a)(2)(iii), is not among them: it would hold only for what is created afterwards,
    which nobody can tell from a sealed letter.
    """

    PATIENT_AGREED = "patient-agreed"
    PATIENT_REQUESTED = "patient-requested"


@dataclass(frozen=True)
class Withheld:
    """`discloser` does not disclose to `recipient` (None: to anybody) what carries any of these labels.

    Without any label, everything is withheld.
    """

    discloser: Party
    recipient: Party | None
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]

    def holds_back(self, sender: Member, recipient: Member, labels: frozenset[str]) -> bool:
        """Whether this speaks against a letter of this sender to this recipient with these labels."""
        between = sender.is_party(self.discloser) and (self.recipient is None or recipient.is_party(self.recipient))
        withheld = self.information | self.sensitivity
        return between and (not withheld or bool(withheld & labels))
