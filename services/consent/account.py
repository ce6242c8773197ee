"""The account of disclosures: what messaging did under each consent, kept as it was told.

Owns the recording and the reading of the account (45 CFR 164.528; 42 CFR 2.25 and 2.31). Refuses to forget and to
change a line, and to ask whether the consent is known: what happened is kept even when it should not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.event import Event
from services.chassis.inbox import Handler

from . import records, refusals
from .changes import check_standing
from .deps import Collaborators
from .events import ACCOUNTED
from .models import DisclosureRow
from .rules.lifecycle import Deed
from .rules.standing import Member

# A word of the vocabulary or of a refusal. The lists themselves are not checked here: a line of the account is never
# refused for them.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Words = Annotated[list[Word], Field(max_length=64)]


class LetterFact(BaseModel):
    """What an event of messaging says of a letter and one recipient.

    Members that a newer messaging adds are left alone.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    letter: UUID
    consent: UUID
    consent_version: Annotated[int, Field(ge=1, le=1_000_000)]
    sender: UUID
    recipient: UUID
    purpose: Word
    information: Words
    sensitivity: Words
    at: AwareDatetime
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")] | None = None


def record(session: Session, event: Event) -> None:
    """Add one line to the account.

    A repeated event adds none. Raises pydantic's `ValidationError` for an event that says nothing.
    """
    if session.scalars(select(DisclosureRow.id).where(DisclosureRow.event_id == event.id)).first() is not None:
        return  # the inbox forgets after a while, the account does not
    fact = LetterFact.model_validate(event.data)
    session.add(DisclosureRow(event_id=event.id, event=ACCOUNTED[event.type], **fact.model_dump()))


HANDLERS: Mapping[str, Handler] = dict.fromkeys(ACCOUNTED, record)


def page(with_: Collaborators, member: Member, consent: UUID, after: int, limit: int) -> list[DisclosureRow]:
    """Lines of a consent's account, oldest first, to a party. Raises problem 404."""
    with with_.database.transaction() as session:
        row = records.find(session, consent)
        if row is None:
            raise refusals.no_such_consent()
        check_standing(member, Deed.READ, row, row.versions[-1])
        lines = select(DisclosureRow).where(DisclosureRow.consent == consent, DisclosureRow.id > after)
        return list(session.scalars(lines.order_by(DisclosureRow.id).limit(limit)))
