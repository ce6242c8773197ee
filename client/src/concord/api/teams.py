"""The directory's calls about departments and teams, and messaging's about a team's inbox.

Owns the shapes of those answers. Refuses to say who is in a team: that is the directory's word, which `concord.teams`
holds against the key log before anything is sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from concord_formats.address import MAX_RECIPIENTS
from pydantic import Field

from ..transport import Transport
from .directory import Organization, Practitioner
from .messaging import LetterStatus
from .shapes import Answer, paged, readable

Shape = TypeVar("Shape", bound=Answer)
_DIRECTORY = "/directory/v1"


class Department(Answer):
    """A part of an organization."""

    id: UUID
    name: str


class TeamMember(Answer):
    """Somebody whom the directory shows in a team; `status` is that of their account."""

    practitioner: UUID
    name: str
    status: str
    since: datetime | None = None


class Team(Answer):
    """A functional mailbox; `status` is active or closed."""

    id: UUID
    name: str
    organization: Organization
    department: Department | None = None
    status: str
    # Each is looked up: a list that no letter could be sealed to is not read.
    members: Annotated[tuple[TeamMember, ...], Field(max_length=MAX_RECIPIENTS)] = ()


class Ended(Answer):
    """How far something that was ended is; `effective_at` is None while it does not hold everywhere yet."""

    status: str
    effective_at: datetime | None = None


class TeamsApi:
    """Calls to `/directory` about departments and teams; to `/messaging` about what was sent to a team."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def departments(self, organization: UUID) -> Iterator[Department]:
        """The departments of an organization, by name."""
        path = f"/organizations/{organization}/departments"
        return paged(lambda q: self._json("GET", path, params=q), "departments", Department, {})

    def department_members(self, department: UUID) -> Iterator[Practitioner]:
        """Who works in a department, by name, as the directory says."""
        path = f"/departments/{department}/members"
        return paged(lambda q: self._json("GET", path, params=q), "practitioners", Practitioner, {})

    def create_department(self, name: str) -> Department:
        """As an administrator: a new department of one's organization."""
        return _read(Department, self._json("POST", "/departments", json={"name": name}))

    def remove_department(self, department: UUID) -> None:
        """As an administrator: a department that there is no more."""
        self._json("DELETE", f"/departments/{department}")

    def place(self, department: UUID, practitioner: UUID) -> None:
        """As an administrator: put somebody of one's organization in a department."""
        self._json("PUT", f"/departments/{department}/members/{practitioner}")

    def displace(self, department: UUID, practitioner: UUID) -> None:
        """As an administrator: take somebody out of a department."""
        self._json("DELETE", f"/departments/{department}/members/{practitioner}")

    def teams(self, *, organization: UUID | None = None, name: str | None = None) -> Iterator[Team]:
        """Teams of an organization, or by a part of their name."""
        query = {"organization": organization and str(organization), "name": name}
        given = {key: value for key, value in query.items() if value}
        return paged(lambda q: self._json("GET", "/teams", params=q), "teams", Team, given)

    def team(self, team: UUID) -> Team:
        """One team with its members. Raises `ServiceError`."""
        return _read(Team, self._json("GET", f"/teams/{team}"))

    def create(self, name: str, department: UUID | None = None) -> Team:
        """As an administrator: a new team of one's organization."""
        body = {"name": name} | ({"department": str(department)} if department else {})
        return _read(Team, self._json("POST", "/teams", json=body))

    def add(self, team: UUID, practitioner: UUID) -> Team:
        """As an administrator: make somebody of one's organization a member."""
        return _read(Team, self._json("PUT", f"/teams/{team}/members/{practitioner}"))

    def remove(self, team: UUID, practitioner: UUID) -> Ended:
        """As an administrator, or as the member: end a membership. Doing so again waits again."""
        return _read(Ended, self._json("DELETE", f"/teams/{team}/members/{practitioner}"))

    def close(self, team: UUID) -> Ended:
        """As an administrator: end a team. Doing so again waits again."""
        return _read(Ended, self._json("POST", f"/teams/{team}/closing"))

    def letters(
        self, team: UUID, *, after: str | None = None, limit: int = 50
    ) -> tuple[list[LetterStatus], str | None]:
        """As a member: what was sent to the team, each with every member's delivery, and the cursor to go on from."""
        query = {"limit": str(limit)} | ({"after": after} if after else {})
        page = self._transport.json("GET", f"/messaging/v1/teams/{team}/letters", params=query)
        with readable():
            return [LetterStatus.model_validate(each) for each in page["letters"]], page.get("next")

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, _DIRECTORY + path, **request)


def _read(shape: type[Shape], answer: Any) -> Shape:
    with readable():
        return shape.model_validate(answer)


__all__ = ["Department", "Ended", "Team", "TeamMember", "TeamsApi"]
