"""The JSON about departments, teams, delegations and coverage.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from concord_formats.delegations import MAX_DELEGATION_BYTES, SignedDelegation
from concord_formats.scalars import Moment
from concord_formats.signatures import from_base64url, to_base64url
from pydantic import BaseModel, Field

from services.chassis.web import Answer, Body

from .. import models
from ..rules.delegations import DelegationStatus
from ..rules.people import Status
from ..rules.teams import TeamStatus
from ..shapes import MAX_SIGNATURE_TEXT, Base64Url, Name, OrganizationAnswer, Page
from .delegations import Shown
from .teams import ShownTeam

# The strict reading is the scalar's own, which hands on a text.
Instant = Annotated[Moment, Field(strict=False)]
MAX_LINE_TEXT = MAX_DELEGATION_BYTES * 4 // 3 + 3


class DepartmentRequest(Body):
    """A department to be."""

    name: Name


class DepartmentAnswer(Answer):
    """A department."""

    id: UUID
    name: str
    organization: OrganizationAnswer

    @classmethod
    def of(cls, row: models.Department) -> DepartmentAnswer:
        """From its row."""
        return cls(id=row.id, name=row.name, organization=OrganizationAnswer.of(row.organization))


class DepartmentsAnswer(Answer):
    """One page of departments; `next` is the cursor of the page after it."""

    departments: list[DepartmentAnswer]
    next: str | None


class TeamRequest(Body):
    """A team to be."""

    name: Name
    department: UUID | None = None


class TeamMemberAnswer(Answer):
    """Somebody who is a member now. `status` is that of the account: nothing is released to the suspended."""

    practitioner: UUID
    name: str
    status: Status
    since: datetime


class TeamDepartment(Answer):
    """The department that a team belongs to."""

    id: UUID
    name: str


class TeamAnswer(Answer):
    """A team, and who is a member now, by name. A closed one has no members."""

    id: UUID
    name: str
    organization: OrganizationAnswer
    department: TeamDepartment | None
    status: TeamStatus
    members: list[TeamMemberAnswer]

    @classmethod
    def of(cls, shown: ShownTeam) -> TeamAnswer:
        """From its rows."""
        row = shown.team
        within = TeamDepartment(id=row.department.id, name=row.department.name) if row.department else None
        return cls(
            id=row.id,
            name=row.name,
            organization=OrganizationAnswer.of(row.organization),
            department=within,
            status=TeamStatus(row.status),
            members=[TeamMemberAnswer(**vars(member)) for member in shown.members],
        )


class TeamsAnswer(Answer):
    """One page of active teams; `next` is the cursor of the page after it."""

    teams: list[TeamAnswer]
    next: str | None


class EndedAnswer(Answer):
    """Something that ended; `effective_at` is null, and the word one that ends in -ing, until that holds everywhere."""

    status: Literal["removed", "removing", "closed", "closing", "revoked", "revoking"]
    effective_at: datetime | None


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


class ByDepartment(BaseModel):
    """A path with a department's id."""

    department: UUID


class ByDepartmentMember(ByDepartment):
    """A path with a department's id and an account's."""

    practitioner: UUID


class ByTeam(BaseModel):
    """A path with a team's id."""

    team: UUID


class ByTeamMember(ByTeam):
    """A path with a team's id and an account's."""

    practitioner: UUID


class ByDelegation(BaseModel):
    """A path with a delegation's id."""

    delegation: UUID


class TeamsQuery(Page):
    """What to look for; every member given must match."""

    organization: UUID | None = None
    name: Name | None = None


class DelegationsQuery(Page):
    """Whose to look for; every member given must match."""

    delegator: UUID | None = None
    delegate: UUID | None = None
