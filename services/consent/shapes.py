"""The shapes of requests and answers at the consent service's addresses.

Owns what is read and what is presented. Refuses what is not exactly so: an instant is RFC 3339 with its zone, a label
is of the vocabulary, a member that is not named is an error.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
)
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from services.chassis.web import Answer, Body

from .evidence_shapes import EvidenceAnswer
from .instants import Instant
from .rules.lifecycle import Status
from .rules.standing import Standing
from .rules.terms import Party, Terms

# Every list here is a set of a closed vocabulary: none is longer.
MAX_WORDS = 64


class PartyBody(Body):
    """A named practitioner or organization."""

    kind: PartyKind
    id: UUID

    def party(self) -> Party:
        """As the rules know it."""
        return Party(self.kind, self.id)


class TermsBody(Body):
    """What a version says. The lists may be empty in a draft, which then cannot be activated."""

    type: ConsentType
    patient: PatientToken
    discloser: PartyBody
    recipient: PartyBody
    mutual: StrictBool
    purposes: Annotated[list[Purpose], Field(max_length=MAX_WORDS)]
    information: Annotated[list[Information], Field(max_length=MAX_WORDS)]
    sensitivity: Annotated[list[Sensitivity], Field(max_length=MAX_WORDS)]
    valid_from: Instant
    valid_until: Instant
    expires_on: ExpiryEvent | None = None

    def terms(self) -> Terms:
        """As the rules know them."""
        return Terms(
            type=self.type,
            patient=self.patient,
            discloser=self.discloser.party(),
            recipient=self.recipient.party(),
            mutual=self.mutual,
            purposes=frozenset(self.purposes),
            information=frozenset(self.information),
            sensitivity=frozenset(self.sensitivity),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            expires_on=self.expires_on,
        )


class AcceptanceBody(Body):
    """The evidence that is accepted, by its digest."""

    evidence_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ConsentPath(BaseModel):
    """Which consent."""

    consent: UUID


class ConsentQuery(BaseModel):
    """By which right one asks, where the consent is not one's own."""

    model_config = ConfigDict(extra="forbid")
    delegation: UUID | None = None


class VersionPath(ConsentPath):
    """Which version of which consent."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


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


class MissingAnswer(Answer):
    """An element that a version lacks, and where it is written."""

    element: str
    citation: str


class VersionAnswer(Answer):
    """One version. `effective_at`: since when its last change is known to hold at every enforcement point.

    `missing`: what it lacks by the law's present table. `ended_at`: when its expiry event was recorded.
    """

    version: int
    status: Status
    type: ConsentType
    discloser: PartyAnswer
    recipient: PartyAnswer
    mutual: bool
    purposes: list[Purpose]
    information: list[Information]
    sensitivity: list[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None
    directions: list[DirectionAnswer]
    evidence: EvidenceAnswer | None
    missing: list[MissingAnswer]
    created_at: datetime
    created_by: UUID
    activated_at: datetime | None
    activated_by: UUID | None
    superseded_at: datetime | None
    ended_at: datetime | None
    ended_by: UUID | None
    revoked_at: datetime | None
    effective_at: datetime | None


class ConsentAnswer(Answer):
    """A consent and its versions, oldest first; `letter` is the one letter of an emergency."""

    id: UUID
    patient: str
    letter: UUID | None
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: UUID | None
    revoked_as: Standing | None
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
    on_behalf_of: UUID | None = None
    team: UUID | None = None


class DisclosuresAnswer(Answer):
    """A page of the account; `next` is the cursor of the page after it, if there is one."""

    disclosures: list[DisclosureAnswer]
    next: str | None
