"""What one version of a consent says, as plain values.

Owns the shapes that every other rule decides upon. Refuses defaults: a word that was not said is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormLanguage,
    FormStatement,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
    SignerAuthority,
)


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
    """Under which law who may disclose what to whom, about which patient token, why, and from when until when.

    `valid_until` is not included. `expires_on` names an event that ends it sooner, once a party records that it came.
    """

    type: ConsentType
    patient: str
    discloser: Party
    recipient: Party
    mutual: bool
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None

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
    VERBAL = "verbal"  # on record only: neither 45 CFR 164.508(c)(1)(vi) nor 42 CFR 2.31(a)(8) takes it for a signature


class FormOrigin(StrEnum):
    """Whose form was signed."""

    CONCORD = "concord"
    OWN = "own"  # the practice's: whoever attached it read it for what it states


class Signer(StrEnum):
    """Who signed."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    DISCLOSER = "discloser"  # of the documentation of an emergency, never of a consent


@dataclass(frozen=True)
class Attestation:
    """What the practitioner who attached the form says of it: the service cannot read it."""

    signed_on: date
    method: SignatureMethod
    form: FormOrigin
    language: FormLanguage
    statements: frozenset[FormStatement]
    signer: Signer
    authority: SignerAuthority | None
    witness: UUID | None
    copy_given: bool


@dataclass(frozen=True)
class Evidence:
    """The signed form as the service knows it.

    The SHA-256 (lower-case hexadecimal) and size of its sealed bytes, never the form, and what was attested of it.
    """

    sha256: str
    size: int
    attested: Attestation


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
    """One version of a consent, whole: its terms, its evidence, its directions.

    `ended_at`: when a party recorded that the event came on which it expires.
    """

    terms: Terms
    evidence: Evidence | None
    directions: tuple[Direction, ...]
    ended_at: datetime | None = None


def check_parties(terms: Terms) -> None:
    """Refuse a consent between a party and itself. Raises `TermsError`.

    An organization and one of its own members may be the two parties. 42 CFR 2.12(c)(3) lets a program communicate
    within itself without consent, so such a consent asks for more than the law does, and nobody else's permission is
    written by it.
    """
    if terms.discloser == terms.recipient:
        raise TermsError("recipient", "is the discloser itself; a consent names two parties")


def check_attestation(attested: Attestation) -> None:
    """Refuse a discloser as signer, and an authority without a representative. Raises `TermsError` with the header.

    The other way round is no slip: a representative without authority is what `elements` names as missing.
    """
    if attested.signer is Signer.DISCLOSER:
        raise TermsError("Concord-Signer", "must be the patient or a representative")
    if attested.signer is Signer.PATIENT and attested.authority is not None:
        raise TermsError("Concord-Signer-Authority", "goes with `Concord-Signer: representative` only")


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
