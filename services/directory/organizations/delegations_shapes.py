"""The JSON about delegations.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from concord_formats.delegations import MAX_DELEGATION_BYTES, SignedDelegation
from concord_formats.signatures import from_base64url, to_base64url
from pydantic import BaseModel, Field

from services.chassis.web import Answer, Body

from ..rules.delegations import DelegationStatus
from ..shapes import MAX_SIGNATURE_TEXT, Base64Url, Page
from .delegations import Shown

MAX_LINE_TEXT = MAX_DELEGATION_BYTES * 4 // 3 + 3


class DelegationRequest(Body):
    """A delegation: exact bytes and signature, both in base64url."""

    line: Annotated[Base64Url, Field(max_length=MAX_LINE_TEXT)]
    signature: Annotated[Base64Url, Field(max_length=MAX_SIGNATURE_TEXT)]

    def signed(self) -> SignedDelegation:
        """The bytes."""
        return SignedDelegation(from_base64url(self.line), from_base64url(self.signature))


class DelegationAnswer(Answer):
    """A delegation, exactly as signed, in base64url. `effective_at` is since when its revocation holds everywhere."""

    id: UUID
    delegator: UUID
    delegate: UUID
    line: str
    signature: str
    status: DelegationStatus
    effective_at: datetime | None

    @classmethod
    def of(cls, shown: Shown) -> DelegationAnswer:
        """From its row."""
        row = shown.delegation
        return cls(
            id=row.id,
            delegator=row.delegator_id,
            delegate=row.delegate_id,
            line=to_base64url(row.line),
            signature=to_base64url(row.signature),
            status=DelegationStatus(row.status),
            effective_at=shown.effective_at,
        )


class DelegationsAnswer(Answer):
    """One page of delegations, the newest first; `next` is the cursor of the page after it."""

    delegations: list[DelegationAnswer]
    next: str | None


class DelegationStandingAnswer(Answer):
    """Who may write in whose name, in which organization, and whether that holds at this moment."""

    delegator: UUID
    delegate: UUID
    organization: UUID
    holds: bool


class ByDelegation(BaseModel):
    """A path with a delegation's id."""

    delegation: UUID


class DelegationsQuery(Page):
    """Whose to look for; every member given must match."""

    delegator: UUID | None = None
    delegate: UUID | None = None
