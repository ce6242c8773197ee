"""Whom a letter goes to: those its sender names, a team's members, or everybody on the consent's other side.

Owns that choice. Refuses a team of another organization than the consent is for, and a recipient who is not in the
team that a letter is addressed to. Whether the consent covers each of them is for the gate to say.
"""

from __future__ import annotations

from uuid import UUID

from concord_formats.address import MAX_RECIPIENTS
from concord_formats.vocabulary import PartyKind

from .api import ConsentVersion, Practitioner
from .colleagues import Colleagues
from .consents import other_side
from .drafts import Draft
from .errors import EmptyTeamError, NoRecipientError, TeamMembershipError, TooManyRecipientsError
from .teams import Teams


class Recipients:
    """The people that drafts stand for."""

    def __init__(self, colleagues: Colleagues, teams: Teams) -> None:
        self._colleagues = colleagues
        self._teams = teams

    def of(self, draft: Draft, version: ConsentVersion) -> tuple[UUID, ...]:
        """At least one. Raises `NoRecipientError`, `EmptyTeamError`, `TooManyRecipientsError`, `TeamMembershipError`,
        `TeamClosedError`, `ServiceError`.
        """
        if draft.team is not None:
            return self._of_team(draft, draft.team, version)
        if draft.recipients:
            return self._somebody(draft, list(draft.recipients))
        people = self._colleagues.members(other_side(version, self._colleagues, draft.on_behalf_of))
        return self._somebody(draft, [each for each in people if each != self._colleagues.me])

    def _of_team(self, draft: Draft, team: UUID, version: ConsentVersion) -> tuple[UUID, ...]:
        members = self._teams.members(team)
        self._check_side(draft, version, members)
        ids = [each.id for each in members]
        if strangers := set(draft.recipients) - set(ids):
            names = ", ".join(sorted(map(self._colleagues.name, strangers)))
            raise TeamMembershipError(f"the team does not have {names} in it", practitioner=min(strangers))
        if not ids:
            raise EmptyTeamError("nobody is in that team whom you could write to", team=team)
        return self._somebody(draft, list(draft.recipients) or ids)

    def _check_side(self, draft: Draft, version: ConsentVersion, members: tuple[Practitioner, ...]) -> None:
        """Which organization a team is of is the directory's word; whom the consent is for is not."""
        parties = other_side(version, self._colleagues, draft.on_behalf_of)
        wanted = {each.id for each in parties if each.kind is PartyKind.ORGANIZATION}
        if len(wanted) < len(parties) or not wanted:
            return  # a consent for a person names them; the gate compares
        for each in members:
            if each.organization.id not in wanted:
                message = f"the consent is for another organization than that of {each.name}, whom the team has in it"
                raise TeamMembershipError(message, practitioner=each.id)

    def _somebody(self, draft: Draft, people: list[UUID]) -> tuple[UUID, ...]:
        if not people:
            raise NoRecipientError(draft.consent)
        if len(people) > MAX_RECIPIENTS:
            raise TooManyRecipientsError(len(people), MAX_RECIPIENTS)
        return tuple(people)


__all__ = ["Recipients"]
