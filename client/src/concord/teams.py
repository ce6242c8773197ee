"""Teams as a clinician handles them: which there are, who is in one, what was sent to it and who read it.

Owns the way from a team to the people that a letter to it is sealed to: its present members, each as they stand in the
key log. Refuses somebody of another organization, whom a directory would slip in, and a team that was closed. A team
has no key: who leaves opens nothing newer, since nothing newer is sealed to them. Specified in `spec/teams.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.address import Address

from .api import LetterStatus, Practitioner
from .api.shapes import readable
from .api.teams import Department, Team, TeamsApi
from .colleagues import Colleagues
from .deliveries import ReceiptLine, receipt_lines
from .endings import WAIT_SECONDS, ended
from .errors import NameMismatchError, ServiceError, TeamClosedError, TeamMembershipError
from .store import LetterBox

_ACTIVE = "active"


@dataclass(frozen=True)
class TeamLetter:
    """One letter of a team's inbox: its address, and where it stands with every member."""

    letter: UUID
    address: Address
    deliveries: tuple[ReceiptLine, ...]


class Teams:
    """The teams of one's own organization, and those that one writes to."""

    def __init__(self, api: TeamsApi, colleagues: Colleagues, box: LetterBox) -> None:
        self.api = api
        self._colleagues = colleagues
        self._box = box

    def find(self, *, organization: UUID | None = None, name: str | None = None) -> Iterator[Team]:
        """Teams by their organization and a part of their name; of one's own organization when neither is given."""
        if organization is None and name is None:
            organization = self._colleagues.organization
        return self.api.teams(organization=organization, name=name)

    def show(self, team: UUID) -> Team:
        """One team with its members. Raises `ServiceError`."""
        shown = self.api.team(team)
        if shown.id != team:
            raise ServiceError.unreadable()
        return shown

    def create(self, name: str, department: UUID | None = None) -> Team:
        """As an administrator: a new team of one's organization, with nobody in it."""
        return self.api.create(name, department)

    def add(self, team: UUID, practitioner: UUID) -> Team:
        """As an administrator: make somebody of one's organization a member; older letters stay closed to them."""
        return self.api.add(team, practitioner)

    def remove(self, team: UUID, practitioner: UUID, *, wait: float = WAIT_SECONDS) -> datetime:
        """End a membership, and wait until nothing of the team is handed out to them; since when. `PendingError`."""
        return ended(lambda: self.api.remove(team, practitioner), "the end of the membership", wait=wait)

    def close(self, team: UUID, *, wait: float = WAIT_SECONDS) -> datetime:
        """End a team, and wait until nothing is sent to it any more; since when. Raises `PendingError`."""
        return ended(lambda: self.api.close(team), "the closing of the team", wait=wait)

    def letters(self, team: UUID) -> Iterator[TeamLetter]:
        """As a member: what was sent to the team, and who has read it.

        Receipts are checked where one has the letter oneself.
        """
        after: str | None = None
        while True:
            page, following = self.api.letters(team, after=after)
            for status in page:
                yield self._letter(status, team)
            if not page or following in (None, after):
                return
            after = following

    def members(self, team: UUID) -> tuple[Practitioner, ...]:
        """Whom a letter to a team is sealed to now, as they stand in the key log; oneself is left out.

        Who is suspended is not written to. Raises `TeamClosedError`, `TeamMembershipError`, `KeyLogError`,
        `ServiceError`.
        """
        shown = self.show(team)
        if shown.status != _ACTIVE:
            raise TeamClosedError(f"the team {shown.name} was closed", team=team)
        people = dict.fromkeys(each.practitioner for each in shown.members if each.status == _ACTIVE)
        return tuple(self._member(shown, person) for person in people if person != self._colleagues.me)

    def departments(self, organization: UUID | None = None) -> Iterator[Department]:
        """The departments of an organization, one's own by default."""
        return self.api.departments(organization or self._colleagues.organization)

    def _member(self, team: Team, practitioner: UUID) -> Practitioner:
        try:
            person = self._colleagues.person(practitioner)
        except NameMismatchError as lied:
            raise TeamMembershipError(
                f"the team {team.name} has {practitioner} in it, who is not shown as in the key log: {lied.message}",
                practitioner=practitioner,
            ) from lied
        if person.organization.id != team.organization.id:
            raise TeamMembershipError(
                f"the team {team.name} is of {team.organization.name}, and {person.name}, whom it has in it, is not",
                practitioner=practitioner,
            )
        return person

    def _letter(self, status: LetterStatus, team: UUID) -> TeamLetter:
        with readable():
            address = status.parsed_address
        if (address.letter, address.team) != (status.letter, team):
            raise ServiceError.unreadable()
        lines = receipt_lines(status, self._colleagues, self._box)
        return TeamLetter(status.letter, address, tuple(lines))


__all__ = ["TeamLetter", "Teams"]
