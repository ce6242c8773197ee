"""The JSON of single sign-on.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from concord_formats.scalars import Sha256
from pydantic import BaseModel, Field, StringConstraints

from services.chassis.web import Answer, Body

from .. import models
from ..recovery.recovery_case_shapes import Secret
from ..rules.single_sign_on import Purpose, Reason, State

Shown = Literal["waiting", "answered", "done", "failed"]
_STATUS: dict[State, Shown] = {
    State.WAITING: "waiting",
    State.RETURNED: "waiting",
    State.ANSWERED: "answered",
    State.DONE: "done",
    State.FAILED: "failed",
    State.USED: "done",
}


class SignOnRequest(Body):
    """For which key entry a sign-on is begun, and by what its maker is known.

    `secret` is that of the invitation (`enrolment`), the credential of the recovery code (`recovery`) or that of the
    case's code (`recovery-case`, with `case`); a `device` signs in as it does elsewhere.
    """

    purpose: Annotated[Purpose, Field(strict=False)]
    practitioner: Annotated[UUID, Field(strict=False)]
    entry_sha256: Sha256
    secret: Secret | None = None
    case: Annotated[UUID, Field(strict=False)] | None = None


class SignOnAnswer(Answer):
    """A session, and the address where the person signs on; both until `expires_at`."""

    session: UUID
    authorization_url: str
    expires_at: datetime


class SignOnStatus(Answer):
    """Where a session stands; `answered`: the code that the browser shows is wanted; `reason` says why it failed."""

    status: Shown
    reason: Reason | None

    @classmethod
    def of(cls, row: models.SignOnSession) -> SignOnStatus:
        """From its row."""
        return cls(status=_STATUS[State(row.state)], reason=Reason(row.reason) if row.reason else None)


class CodeBody(Body):
    """The code that the person's browser shows, as it was typed."""

    code: Annotated[str, StringConstraints(max_length=64)]


class ByOrganization(BaseModel):
    """A path with an organization's id."""

    organization: UUID


class BySession(BaseModel):
    """A path with a session's id."""

    session: UUID


class CallbackQuery(BaseModel):
    """What a provider sends a person back with (RFC 6749, section 4.1.2); other members are left alone."""

    state: Annotated[str, StringConstraints(max_length=512)] = ""
    code: Annotated[str, StringConstraints(max_length=4096)] | None = None
    error: Annotated[str, StringConstraints(max_length=512)] | None = None
