"""The JSON that goes in and out of the directory.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from concord_formats.attestations import SignedAttestation
from concord_formats.identity_checks import MAX_CHECK_BYTES, SignedIdentityCheck
from concord_formats.key_entries import MAX_ENTRY_BYTES, SignedEntry
from concord_formats.signatures import (
    ED25519_SIGNATURE_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    SignatureError,
    from_base64url,
    to_base64url,
)
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from services.chassis.web import Answer, Body

from . import models
from .rules.people import MAX_NAME, Role, Status, is_npi, is_taxonomy

# No control characters, and none that turn the direction of writing: a name must be what it looks like.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
NAME_PATTERN = rf"^[^{_HIDDEN}]*[^\u0020\u00a0{_HIDDEN}][^{_HIDDEN}]*$"


def _npi(text: str) -> str:
    if not is_npi(text):
        raise ValueError("is no NPI: ten digits, of which the last is a check digit")
    return text


def _taxonomy(text: str) -> str:
    if not is_taxonomy(text):
        raise ValueError("is no NUCC taxonomy code: nine digits or capital letters, and an X")
    return text


def _base64url(text: str) -> str:
    try:
        from_base64url(text)
    except SignatureError as error:
        raise ValueError(str(error)) from None
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
Npi = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$"), AfterValidator(_npi)]
Taxonomy = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{9}X$"), AfterValidator(_taxonomy)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$"), AfterValidator(_base64url)]
MAX_ENTRY_TEXT = MAX_ENTRY_BYTES * 4 // 3 + 3
MAX_CHECK_TEXT = MAX_CHECK_BYTES * 4 // 3 + 3
MAX_SIGNATURE_TEXT = (ED25519_SIGNATURE_BYTES + MLDSA65_SIGNATURE_BYTES) * 4 // 3 + 3


class IdentityCheckBody(Body):
    """An identity check: exact bytes and signature, both in base64url."""

    line: Annotated[Base64Url, Field(max_length=MAX_CHECK_TEXT)]
    signature: Annotated[Base64Url, Field(max_length=MAX_SIGNATURE_TEXT)]

    def signed(self) -> SignedIdentityCheck:
        """The bytes."""
        return SignedIdentityCheck(from_base64url(self.line), from_base64url(self.signature))


class InvitationRequest(Body):
    """Whom to invite, and the caller's word that they checked who that is."""

    role: Role
    name: Name
    npi: Npi | None = None
    taxonomy: Taxonomy | None = None
    look_alike: bool = False
    identity: IdentityCheckBody


class InvitationAnswer(Answer):
    """The invitation; its code is shown this once."""

    practitioner: UUID
    code: str
    expires_at: datetime


class SignedEntryBody(Body):
    """A key entry: exact bytes and signature, both in base64url."""

    entry: Annotated[Base64Url, Field(max_length=MAX_ENTRY_TEXT)]
    signature: Annotated[Base64Url, Field(max_length=MAX_SIGNATURE_TEXT)]

    def signed(self) -> SignedEntry:
        """The bytes."""
        return SignedEntry(from_base64url(self.entry), from_base64url(self.signature))


class EnrolmentRequest(SignedEntryBody):
    """The invitation's practitioner and secret, and the first key entry."""

    practitioner: UUID
    secret: Annotated[str, StringConstraints(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]


class OrganizationAnswer(Answer):
    """An organization."""

    id: UUID
    name: str

    @classmethod
    def of(cls, row: models.Organization) -> OrganizationAnswer:
        """From its row."""
        return cls(id=row.id, name=row.name)


class PractitionerAnswer(Answer):
    """An account."""

    id: UUID
    role: Role
    name: str
    npi: str | None
    taxonomy: str | None
    organization: OrganizationAnswer
    status: Status

    @classmethod
    def of(cls, row: models.Practitioner) -> PractitionerAnswer:
        """From its row."""
        return cls(
            id=row.id,
            role=Role(row.role),
            name=row.name,
            npi=row.npi,
            taxonomy=row.taxonomy,
            organization=OrganizationAnswer.of(row.organization),
            status=Status(row.status),
        )


class PractitionersAnswer(Answer):
    """One page of accounts; `next` is the cursor of the page after it."""

    practitioners: list[PractitionerAnswer]
    next: str | None


class OrganizationsAnswer(Answer):
    """One page of organizations; `next` is the cursor of the page after it."""

    organizations: list[OrganizationAnswer]
    next: str | None


class EntryAnswer(Answer):
    """One key entry, exactly as signed, in base64url."""

    entry: str
    signature: str

    @classmethod
    def of(cls, signed: SignedEntry) -> EntryAnswer:
        """From its bytes."""
        return cls(entry=to_base64url(signed.entry), signature=to_base64url(signed.signature))


class AttestationAnswer(Answer):
    """One attestation, exactly as signed, in base64url."""

    line: str
    signature: str

    @classmethod
    def of(cls, signed: SignedAttestation) -> AttestationAnswer:
        """From its bytes."""
        return cls(line=to_base64url(signed.line), signature=to_base64url(signed.signature))


class HistoryAnswer(Answer):
    """A key history, oldest entry first; `bindings` are the places of its entries in the key log.

    `attestations` are those of each recovered entry, by its number.
    """

    entries: list[EntryAnswer]
    bindings: list[int]
    attestations: dict[int, list[AttestationAnswer]]


class RecordedAnswer(Answer):
    """The number of the entry; of an entry that revoked a device also since when that holds everywhere."""

    entry: int
    status: Literal["recorded", "revoking"]
    effective_at: datetime | None


class StandingAnswer(Answer):
    """Where an account or a device stands; `effective_at` is null until that holds everywhere."""

    status: Literal["active", "suspended", "suspending", "revoked", "revoking"]
    effective_at: datetime | None


class PartyAnswer(Answer):
    """A party of a consent, and where it stands: an organization is always active.

    `organization` is the one that a practitioner belongs to.
    """

    kind: Literal["practitioner", "organization"]
    id: UUID
    status: Status
    name: str
    organization: OrganizationAnswer | None

    @classmethod
    def of(cls, row: models.Practitioner | models.Organization) -> PartyAnswer:
        """From the stored row."""
        if isinstance(row, models.Organization):
            return cls(kind="organization", id=row.id, status=Status.ACTIVE, name=row.name, organization=None)
        theirs = OrganizationAnswer.of(row.organization)
        return cls(kind="practitioner", id=row.id, status=Status(row.status), name=row.name, organization=theirs)


class ByPractitioner(BaseModel):
    """A path with an account's id."""

    practitioner: UUID


class ByOrganization(BaseModel):
    """A path with an organization's id."""

    organization: UUID


class ByDevice(BaseModel):
    """A path with a device's id."""

    device: UUID


class ByParty(BaseModel):
    """A path with a party's kind and id."""

    kind: Literal["practitioner", "organization"]
    id: UUID


class Page(BaseModel):
    """Which page of a list."""

    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class PractitionersQuery(Page):
    """Whom to look for; every member given must match."""

    npi: Npi | None = None
    name: Name | None = None
    organization: UUID | None = None


class OrganizationsQuery(Page):
    """What to look for."""

    name: Name | None = None
