"""The JSON of recovery cases.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself. A case's
secret goes in a body, never in an address.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from concord_formats.attestations import MAX_ATTESTATION_BYTES, SignedAttestation
from concord_formats.signatures import from_base64url, to_base64url
from pydantic import BaseModel, Field, StringConstraints

from services.chassis.web import Answer, Body

from .. import models
from ..rules.recovery_cases import Ending, State, shown
from ..shapes import MAX_SIGNATURE_TEXT, AttestationAnswer, Base64Url, EntryAnswer, SignedEntryBody

MAX_ATTESTATION_TEXT = MAX_ATTESTATION_BYTES * 4 // 3 + 3
Secret = Annotated[str, StringConstraints(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]
Progress = Literal["opened", "entered", "attested", "announced", "revoking", "completed"]
ShownState = Literal["opened", "entered", "attested", "announced", "refused", "completed", "expired"]


class ByCase(BaseModel):
    """A path with a case's id."""

    case: UUID


class CaseRequest(Body):
    """Whose keys are lost."""

    practitioner: Annotated[UUID, Field(strict=False)]


class SecretBody(Body):
    """The secret of a case's code."""

    secret: Secret


class CaseEntryRequest(SignedEntryBody):
    """The secret of a case's code, and the key entry that is to wait."""

    secret: Secret


class AttestationBody(Body):
    """An attestation: exact bytes and signature, both in base64url."""

    line: Annotated[Base64Url, Field(max_length=MAX_ATTESTATION_TEXT)]
    signature: Annotated[Base64Url, Field(max_length=MAX_SIGNATURE_TEXT)]

    def signed(self) -> SignedAttestation:
        """The bytes."""
        return SignedAttestation(from_base64url(self.line), from_base64url(self.signature))


class OpenedAnswer(Answer):
    """The case; its code is shown this once."""

    case: UUID
    code: str
    expires_at: datetime


class WaitingAnswer(Answer):
    """The fingerprint of the identity key that waits, to be compared with the person, and where the case stands."""

    fingerprint: str
    state: ShownState


class CaseHistoryAnswer(Answer):
    """What the new keys go on from: the account's key history, oldest entry first; and where the case stands."""

    practitioner: UUID
    state: ShownState
    effective_from: datetime | None
    entries: list[EntryAnswer]


class CaseAnswer(Answer):
    """A case, as administrators and the account's owner see it; `ending` says why it was refused."""

    case: UUID
    account: UUID
    state: ShownState
    opened_by: UUID
    opened_at: datetime
    expires_at: datetime
    entry: str | None
    signature: str | None
    attestations: list[AttestationAnswer]
    effective_from: datetime | None
    ended_by: UUID | None
    ending: Ending | None

    @classmethod
    def of(cls, row: models.RecoveryCase) -> CaseAnswer:
        """From its row."""
        signed = [SignedAttestation(each.line, each.signature) for each in row.attestations]
        return cls(
            case=row.id,
            account=row.practitioner_id,
            state=state_of(row),
            opened_by=row.opened_by,
            opened_at=row.opened_at,
            expires_at=row.expires_at,
            entry=to_base64url(row.entry) if row.entry else None,
            signature=to_base64url(row.signature) if row.signature else None,
            attestations=[AttestationAnswer.of(each) for each in signed],
            effective_from=row.effective_from,
            ended_by=row.ended_by,
            ending=Ending(row.ending) if row.ending else None,
        )


class CasesAnswer(Answer):
    """The cases that one may see, newest first."""

    cases: list[CaseAnswer]


class CompletionAnswer(Answer):
    """Where a completion stands: `revoking` until no old device is served anywhere any more; `entry` is its number."""

    state: Progress
    effective_from: datetime | None
    entry: int | None
    effective_at: datetime | None


def state_of(row: models.RecoveryCase) -> ShownState:
    """The state as it is told."""
    return cast(ShownState, shown(State(row.state), len(row.attestations)))
