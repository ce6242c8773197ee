"""The JSON about coverage.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from concord_formats.scalars import Moment
from pydantic import Field

from services.chassis.web import Answer, Body

from .. import models
from ..rules.people import Status
from ..shapes import OrganizationAnswer

# The strict reading is the scalar's own, which hands on a text.
Instant = Annotated[Moment, Field(strict=False)]


class CoverageRequest(Body):
    """Who covers, and when."""

    covering: UUID
    starts_at: Instant
    ends_at: Instant


class CoveringAnswer(Answer):
    """The covering colleague; nothing is released to one who is suspended."""

    id: UUID
    name: str
    organization: OrganizationAnswer
    status: Status


class CoverageAnswer(Answer):
    """Who covers for `practitioner` from `starts_at` until before `ends_at`."""

    practitioner: UUID
    covering: CoveringAnswer
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, row: models.Coverage) -> CoverageAnswer:
        """From its row."""
        person = row.covering
        covering = CoveringAnswer(
            id=person.id,
            name=person.name,
            organization=OrganizationAnswer.of(person.organization),
            status=Status(person.status),
        )
        return cls(practitioner=row.practitioner_id, covering=covering, starts_at=row.starts_at, ends_at=row.ends_at)
