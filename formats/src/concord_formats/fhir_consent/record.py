"""A consent as plain values, between Concord's own shapes and FHIR's.

Owns the record that is written and read. Refuses names: a patient is a token, or the reference of another system that
is still to be replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from ..vocabulary import (
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

Method = Literal["ink", "electronic", "verbal"]
Form = Literal["concord", "own"]
Signer = Literal["patient", "representative"]


class Standing(StrEnum):
    """Where a version stands; all but the first two are `inactive` in FHIR."""

    DRAFT = "draft"
    ACTIVE = "active"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DEFICIENT = "deficient"  # active, but it lacks what the law's present table asks for: it allows nothing


@dataclass(frozen=True, order=True)
class Party:
    """A practitioner or an organization of the directory."""

    kind: PartyKind
    id: UUID


@dataclass(frozen=True, order=True)
class NamedByNpi:
    """A practitioner by National Provider Identifier (ten digits), to be looked up; `path` is where it stood."""

    npi: str
    path: str


@dataclass(frozen=True)
class ForeignPatient:
    """Another system's reference to the patient, such as `Patient/f001`: it must be replaced by a token."""

    reference: str


@dataclass(frozen=True)
class Acceptance:
    """When and by whom one way was accepted for its discloser."""

    at: datetime
    by: UUID


class History(StrEnum):
    """What happened to a version."""

    DRAFTED = "drafted"
    ACTIVATED = "activated"
    SUPERSEDED = "superseded"
    ENDED = "ended"  # the event came on which it expires
    REVOKED = "revoked"


@dataclass(frozen=True)
class Deed:
    """Something that happened: when, by which practitioner, and as what (`discloser`, `recipient`, `patient`).

    `at` is a calendar date only where another system gave no time.
    """

    what: History
    at: datetime | date
    by: UUID | None = None
    as_: str | None = None


@dataclass(frozen=True)
class Signed:
    """The signed form as the service knows it: the SHA-256 (hexadecimal) and size (bytes) of what was sealed, and what
    was attested of the form.
    """

    sha256: str
    size: int
    signed_on: date
    method: Method
    form: Form
    language: FormLanguage
    statements: frozenset[FormStatement]
    signer: Signer
    authority: SignerAuthority | None
    witness: UUID | None
    copy_given: bool


@dataclass(frozen=True)
class ConsentRecord:
    """One version of a consent, whole.

    The window is [`valid_from`, `valid_until`). `accepted` are the ways that were accepted: the first from the
    discloser to the recipient, the second back; without `mutual` the second is None. `deeds` are in the order of
    `History`, each at most once.
    """

    id: UUID | None
    version: int | None
    status: Standing
    type: ConsentType
    patient: str | ForeignPatient
    discloser: Party | NamedByNpi
    recipient: Party | NamedByNpi
    mutual: bool
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None = None
    evidence: Signed | None = None
    accepted: tuple[Acceptance | None, Acceptance | None] = (None, None)
    deeds: tuple[Deed, ...] = ()
