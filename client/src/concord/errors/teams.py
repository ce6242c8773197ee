"""What can stop a clinician in writing to a team, or in the name of a colleague.

Owns these errors. Refuses to take a directory's word for who is in a team, where the key log says otherwise.
"""

from __future__ import annotations

from uuid import UUID

from .base import ConcordError


class TeamError(ConcordError):
    """Something about a team, a delegation or a covering colleague cannot be done as asked."""

    hint_by_default = "See what there is: concord team list, concord delegation list"


class TeamMembershipError(TeamError):
    """Somebody whom a letter would go to as a member of a team is none, or is shown elsewhere by the key log."""

    hint_by_default = "Nothing was sent. See who is in it: concord team show. Tell an administrator of that team."


class TeamClosedError(TeamError):
    """The team was closed; nothing is sent to it any more."""

    hint_by_default = "Nothing was sent. Find another team, or a colleague: concord team list"


class EmptyTeamError(TeamError):
    """Nobody is in the team beside oneself who could be written to."""

    hint_by_default = "Nothing was sent. Write to a colleague, or tell an administrator of that team: concord team show"


class PendingError(TeamError):
    """A removal, a closing or a revocation is recorded, and could not be confirmed everywhere in time."""

    hint_by_default = "Do the same again until it is confirmed; it is recorded once."


class NotDelegatedError(TeamError):
    """One has no right to send this letter on somebody's behalf (`beyond`: what the nearest delegation lacks)."""

    def __init__(self, delegator: UUID, message: str, beyond: tuple[str, ...] = ()) -> None:
        super().__init__(
            message,
            "Nothing was sent. Leave that out, send it in your own name, or ask them: concord delegation give",
            delegator=delegator,
            beyond=list(beyond),
        )
        self.delegator = delegator
        self.beyond = beyond
