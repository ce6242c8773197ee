"""The shapes of requests and answers at messaging's addresses.

Owns what is read and what is presented. Refuses sealed bytes: those are no JSON, and go in and out as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_serializer

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from services.chassis.web import Answer, Body

from .rules import State

# A place is a 64-bit counter.
MAX_PLACE = 2**63 - 1


class LetterPath(BaseModel):
    """Which letter."""

    letter: UUID


class InboxQuery(BaseModel):
    """`after` is the `next` of the answer before (0: from the beginning), `wait` seconds for the first letter."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=MAX_PLACE)] = 0
    wait: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class SentQuery(BaseModel):
    """`after` is the `next` of the page before; with `on_behalf`, what others sent in the caller's name instead."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, StringConstraints(max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    on_behalf: bool = False


class TeamPath(BaseModel):
    """Which team."""

    team: UUID


class TeamInboxQuery(BaseModel):
    """`after` is the `next` of the answer before (0: from the beginning)."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=MAX_PLACE)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class ReceiptBody(Body):
    """A receipt's exact bytes and its signature, both base64url without padding."""

    receipt: Annotated[str, StringConstraints(max_length=2048)]
    signature: Annotated[str, StringConstraints(max_length=8192)]


class SparseAnswer(Answer):
    """An answer whose absent members are left out."""

    @model_serializer(mode="wrap")
    def _without_nulls(self, handler):  # type: ignore[no-untyped-def]
        return {name: value for name, value in handler(self).items() if value is not None}


class SignedReceipt(Answer):
    """A recipient's receipt, as it came."""

    receipt: str
    signature: str


class DeliveryAnswer(SparseAnswer):
    """One recipient's copy of a letter."""

    recipient: UUID
    state: State
    reason: str | None = None
    released_at: datetime | None = None
    fetched_at: datetime | None = None
    opened_at: datetime | None = None
    receipt: SignedReceipt | None = None


class SendAnswer(SparseAnswer):
    """What became of a letter that was sent. `reason` says why it is held, refused or expired."""

    letter: UUID
    state: State
    reason: str | None = None
    deliveries: list[DeliveryAnswer]


class LetterAnswer(Answer):
    """A letter as its sender sees it, or a recipient their own copy. `address` are the exact bytes, base64url.

    `deleted_at`: since then its bytes are not here any more.
    """

    letter: UUID
    address: str
    state: State
    deliveries: list[DeliveryAnswer]
    deleted_at: datetime | None = None


class SentAnswer(SparseAnswer):
    """One page of one's own letters, oldest first."""

    letters: list[LetterAnswer]
    next: str | None = None


class InboxEntry(Answer):
    """A letter that was released to the reader."""

    cursor: str
    letter: UUID
    address: str
    size: int
    released_at: datetime
    fetched_at: datetime | None
    opened_at: datetime | None
    deleted_at: datetime | None = None


class InboxAnswer(Answer):
    """Letters in the order of their release; `next` is where to go on from, also when there are none."""

    letters: list[InboxEntry]
    next: str


class TeamEntry(Answer):
    """A letter that was released to a team, and what each member that it was sealed to did with it."""

    cursor: str
    letter: UUID
    address: str
    size: int
    released_at: datetime
    deliveries: list[DeliveryAnswer]
    deleted_at: datetime | None = None


class TeamInboxAnswer(Answer):
    """Letters in the order of their release; `next` is where to go on from, also when there are none."""

    letters: list[TeamEntry]
    next: str
