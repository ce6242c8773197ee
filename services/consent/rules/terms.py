"""What one version of a consent says, as plain values.

Owns the shapes that every other rule decides upon. Refuses defaults: a word that was not said is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity


class TermsError(ValueError):
    """The terms cannot stand; `field` names the member that is wrong, `detail` says how to mend it."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


@dataclass(frozen=True, order=True)
class Party:
    """A named practitioner, or a named organization that stands for its active members."""

    kind: PartyKind
    id: UUID


@dataclass(frozen=True)
class Terms:
    """Who may disclose what to whom, about which patient token, why, and from when until (not including) when."""

    patient: str
    discloser: Party
    recipient: Party
    mutual: bool
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime

    @property
    def parties(self) -> tuple[Party, Party]:
        """The discloser and the recipient, in that order."""
        return (self.discloser, self.recipient)

    @property
    def ways(self) -> tuple[tuple[Party, Party], ...]:
        """Every (discloser, recipient) that the text allows: one, or both when it is mutual."""
        forward = (self.discloser, self.recipient)
        return (forward, forward[::-1]) if self.mutual else (forward,)


class SignatureMethod(StrEnum):
    """How the form was signed."""

    INK = "ink"
    ELECTRONIC = "electronic"
    VERBAL = "verbal"  # where the law that applies allows it; the clinician answers for that


@dataclass(frozen=True)
class Evidence:
    """The signed form as the service knows it.

    The SHA-256 (lower-case hexadecimal) and size of its sealed bytes, never the form.
    """

    sha256: str
    signed_on: date
    method: SignatureMethod
    size: int


@dataclass(frozen=True)
class Acceptance:
    """The discloser's own word that it will disclose on this evidence."""

    at: datetime
    by: UUID
    evidence_sha256: str


@dataclass(frozen=True)
class Direction:
    """One way of a consent and its acceptance, if there is one yet."""

    discloser: Party
    recipient: Party
    acceptance: Acceptance | None = None

    def live(self, evidence: Evidence | None) -> bool:
        """Whether its discloser has accepted, and accepted the very evidence that is on record."""
        return (
            self.acceptance is not None and evidence is not None and self.acceptance.evidence_sha256 == evidence.sha256
        )


@dataclass(frozen=True)
class Text:
    """One version of a consent, whole: its terms, its evidence, its directions."""

    terms: Terms
    evidence: Evidence | None
    directions: tuple[Direction, ...]


def check_parties(terms: Terms) -> None:
    """Refuse a consent between a party and itself. Raises `TermsError`.

    An organization and one of its own members may be the two parties. 42 CFR 2.12(c)(3) lets a program communicate
    within itself without consent, so such a consent asks for more than the law does, and nobody else's permission is
    written by it.
    """
    if terms.discloser == terms.recipient:
        raise TermsError("recipient", "is the discloser itself; a consent names two parties")


def check_renewal(before: Terms, after: Terms) -> None:
    """A further version is about the same patient and the same two parties in the same places. Raises `TermsError`.

    To open the other way, make it mutual; for anyone else, a new consent: revoking one must never stop, or spare,
    another's.
    """
    same: Sequence[tuple[str, bool]] = (
        ("patient", before.patient == after.patient),
        ("discloser", before.discloser == after.discloser),
        ("recipient", before.recipient == after.recipient),
    )
    for field, holds in same:
        if not holds:
            raise TermsError(
                field, "differs from the version before; a different patient or party takes a consent of its own"
            )
