"""The JSON about departments and teams, and about what ended.

Owns the shapes and the checks of single members. Refuses decisions that need more than the member itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.chassis.web import Answer, Body

from .. import models
from ..rules.people import Status
from ..rules.teams import TeamStatus
from ..shapes import Name, OrganizationAnswer, Page
from .teams import ShownTeam


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


class TeamsQuery(Page):
    """What to look for; every member given must match."""

    organization: UUID | None = None
    name: Name | None = None
