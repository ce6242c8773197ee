"""The shapes of requests and answers at the consent service's addresses.

Owns what is read and what is presented. Refuses what is not exactly so: an instant is RFC 3339 with its zone, a label
is of the vocabulary, a member that is not named is an error.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from services.chassis.web import Answer, Body

from .rules.lifecycle import Status
from .rules.terms import Party, SignatureMethod, Terms

# RFC 3339, section 5.6; a time without its zone would mean another instant to each reader.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# Every list here is a set of a closed vocabulary: none is longer.
MAX_WORDS = 64


def _read_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError(
            "instant", "must be an instant with its zone, such as 2026-03-01T09:00:00-05:00 (RFC 3339)"
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "is no instant that a calendar has") from None


def _read_day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "must be a calendar date, such as 2026-03-01")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "is no date that a calendar has") from None


Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]
Day = Annotated[
    date, BeforeValidator(_read_day), WithJsonSchema({"type": "string", "format": "date"}, mode="validation")
]


class PartyBody(Body):
    """A named practitioner or organization."""

    kind: PartyKind
    id: UUID

    def party(self) -> Party:
        """As the rules know it."""
        return Party(self.kind, self.id)


class TermsBody(Body):
    """What a version says. The lists may be empty in a draft, which then cannot be activated."""

    patient: PatientToken
    discloser: PartyBody
    recipient: PartyBody
    mutual: StrictBool
    purposes: Annotated[list[Purpose], Field(max_length=MAX_WORDS)]
    information: Annotated[list[Information], Field(max_length=MAX_WORDS)]
    sensitivity: Annotated[list[Sensitivity], Field(max_length=MAX_WORDS)]
    valid_from: Instant
    valid_until: Instant

    def terms(self) -> Terms:
        """As the rules know them."""
        return Terms(
            patient=self.patient,
            discloser=self.discloser.party(),
            recipient=self.recipient.party(),
            mutual=self.mutual,
            purposes=frozenset(self.purposes),
            information=frozenset(self.information),
            sensitivity=frozenset(self.sensitivity),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class AcceptanceBody(Body):
    """The evidence that is accepted, by its digest."""

    evidence_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ConsentPath(BaseModel):
    """Which consent."""

    consent: UUID


class VersionPath(ConsentPath):
    """Which version of which consent."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class EvidenceHeaders(BaseModel):
    """When and how the form was signed."""

    signed_on: Day = Field(alias="Concord-Signed-On")
    method: SignatureMethod = Field(alias="Concord-Signature-Method")


class PartyAnswer(Answer):
    """A named practitioner or organization."""

    kind: PartyKind
    id: UUID


class DirectionAnswer(Answer):
    """One way, and when and by whom it was accepted for its discloser."""

    discloser: PartyAnswer
    recipient: PartyAnswer
    accepted_at: datetime | None
    accepted_by: UUID | None


class EvidenceAnswer(Answer):
    """The evidence on record: the SHA-256 of its sealed bytes, their number, and what was attested of the signature."""

    sha256: str
    signed_on: date
    method: SignatureMethod
    size: int


class VersionAnswer(Answer):
    """One version. `effective_at`: since when its last change is known to hold at every enforcement point."""

    version: int
    status: Status
    discloser: PartyAnswer
    recipient: PartyAnswer
    mutual: bool
    purposes: list[Purpose]
    information: list[Information]
    sensitivity: list[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    directions: list[DirectionAnswer]
    evidence: EvidenceAnswer | None
    activated_at: datetime | None
    superseded_at: datetime | None
    revoked_at: datetime | None
    effective_at: datetime | None


class ConsentAnswer(Answer):
    """A consent and its versions, oldest first."""

    id: UUID
    patient: str
    created_at: datetime
    versions: list[VersionAnswer]


class ConsentsAnswer(Answer):
    """A page of consents; `next` is the cursor of the page after it, if there is one."""

    consents: list[ConsentAnswer]
    next: str | None


class RevokedAnswer(Answer):
    """`revoked`.

    No letter under the consent is released or handed out any more. `revoking`: that is not yet known of all.
    """

    status: str
    revoked_at: datetime
    effective_at: datetime | None


class DisclosureAnswer(Answer):
    """One line of the account."""

    event: str
    letter: UUID
    consent_version: int
    sender: UUID
    recipient: UUID
    purpose: str
    information: list[str]
    sensitivity: list[str]
    at: datetime
    reason: str | None


class DisclosuresAnswer(Answer):
    """A page of the account; `next` is the cursor of the page after it, if there is one."""

    disclosures: list[DisclosureAnswer]
    next: str | None
