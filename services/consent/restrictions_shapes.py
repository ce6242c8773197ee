"""The shapes of requests and answers about restrictions, and about coordination that was declined.

Owns what is read and what is presented. Refuses what is not exactly so, as `shapes` does.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import Information, Sensitivity
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from services.chassis.web import Answer, Body

from .agreements import Asked, Restriction
from .declined import Declining, party_of
from .instants import Day
from .models import DeclinedRow
from .restrictions import withheld_from
from .rules.restrictions import EndedHow, RestrictionStatus, Withheld
from .rules.terms import Party
from .shapes import MAX_WORDS, PageQuery, PartyAnswer, PartyBody


class RestrictionBody(Body):
    """What a patient asked to withhold, and whether the provider agreed.

    `recipient` null: from anybody. No label at all: everything. `discloser` is the caller, or their organization.
    """

    patient: PatientToken
    discloser: PartyBody
    recipient: PartyBody | None
    information: Annotated[list[Information], Field(max_length=MAX_WORDS)]
    sensitivity: Annotated[list[Sensitivity], Field(max_length=MAX_WORDS)]
    requested_on: Day
    agreed: StrictBool

    def asked(self) -> Asked:
        """As the use cases know it."""
        recipient = self.recipient.party() if self.recipient else None
        labels = frozenset(self.information), frozenset(self.sensitivity)
        return Asked(self.patient, Withheld(self.discloser.party(), recipient, *labels), self.requested_on)


class EndBody(Body):
    """By whose word a restriction ends."""

    how: EndedHow


class RestrictionPath(BaseModel):
    """Which restriction."""

    restriction: UUID


class PatientQuery(PageQuery):
    """Whose records, and which page of them."""

    patient: PatientToken


class RestrictionAnswer(Answer):
    """A restriction. `effective_at`: since when its last change is known to hold at every enforcement point."""

    id: UUID
    patient: str
    status: RestrictionStatus
    discloser: PartyAnswer
    recipient: PartyAnswer | None
    information: list[Information]
    sensitivity: list[Sensitivity]
    requested_on: date
    created_at: datetime
    created_by: UUID
    ended_at: datetime | None
    ended_by: UUID | None
    ended_how: EndedHow | None
    effective_at: datetime | None

    @classmethod
    def of(cls, made: Restriction) -> RestrictionAnswer:
        """As it was read."""
        row, withheld = made.row, withheld_from(made.row)
        return cls(
            id=row.id,
            patient=row.patient,
            status=RestrictionStatus(row.status),
            discloser=PartyAnswer(kind=withheld.discloser.kind, id=withheld.discloser.id),
            recipient=_party(withheld.recipient),
            information=sorted(withheld.information),
            sensitivity=sorted(withheld.sensitivity),
            requested_on=row.requested_on,
            created_at=row.created_at,
            created_by=row.created_by,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            ended_how=EndedHow(row.ended_how) if row.ended_how else None,
            effective_at=made.effective_at,
        )


class RestrictionsAnswer(Answer):
    """A page of restrictions; `next` is the cursor of the page after it, if there is one."""

    restrictions: list[RestrictionAnswer]
    next: str | None


class DeclinedBody(Body):
    """A patient declined coordination; `with` null: with anybody."""

    patient: PatientToken
    with_: Annotated[PartyBody | None, Field(alias="with")]
    declined_on: Day

    def declining(self) -> Declining:
        """As the use cases know it."""
        return Declining(self.patient, self.with_.party() if self.with_ else None, self.declined_on)


class DeclinedPath(BaseModel):
    """Which record."""

    declined: UUID


class DeclinedAnswer(Answer):
    """A record that a patient declined coordination; it stands while `withdrawn_at` is null."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)

    id: UUID
    patient: str
    with_: Annotated[PartyAnswer | None, Field(alias="with")]
    declined_on: date
    created_at: datetime
    created_by: UUID
    withdrawn_at: datetime | None
    withdrawn_by: UUID | None

    @classmethod
    def of(cls, row: DeclinedRow) -> DeclinedAnswer:
        """As it is on record."""
        return cls(
            id=row.id,
            patient=row.patient,
            with_=_party(party_of(row)),
            declined_on=row.declined_on,
            created_at=row.created_at,
            created_by=row.created_by,
            withdrawn_at=row.withdrawn_at,
            withdrawn_by=row.withdrawn_by,
        )


class AllDeclinedAnswer(Answer):
    """A page of such records; `next` is the cursor of the page after it, if there is one."""

    declined: list[DeclinedAnswer]
    next: str | None


def _party(party: Party | None) -> PartyAnswer | None:
    return None if party is None else PartyAnswer(kind=party.kind, id=party.id)
