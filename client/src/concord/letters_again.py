"""Sending a letter again: what was sealed to keys that are lost comes back by its sender's hand, or not at all.

Owns the way from one's own sealed copy to a new letter under the same consent, purpose and labels, sealed to the
recipients' present keys. Refuses other recipients than the letter had, and other people's letters. The gate decides
anew: a consent that was revoked meanwhile stops it. The document is in memory meanwhile, and never on the disk.
"""

from __future__ import annotations

import io
from uuid import UUID

from .drafts import Draft
from .errors import SealingError
from .letter import Statement
from .letters import Letters, Sent, Step, Told
from .teams import Teams


class LettersAgain:
    """Letters that one has sent before."""

    def __init__(self, letters: Letters, teams: Teams, me: UUID) -> None:
        self._letters = letters
        self._teams = teams
        self._me = me

    def send(
        self, letter: UUID, to: tuple[UUID, ...] = (), *, step: Step | None = None, proposed: Told | None = None
    ) -> Sent:
        """Open one's own copy of a letter, and send what is in it as a new letter, to all its recipients or `to` some.

        Raises `SealingError` for a letter that is not one's own or was not sent to them, `LetterError` for a copy that
        does not open, and what `Letters.send` raises.
        """
        body = io.BytesIO()
        statement = self._letters.open(letter, body, step=step, acknowledge=False).statement
        self._check(statement, to)
        body.seek(0)
        draft = _draft(statement, body, self._people(statement, to))
        if self._letters.consent(draft).letter is not None:
            raise SealingError("an emergency is declared for one letter", "Declare another one: concord emergency send")
        return self._letters.send(draft, step=step, proposed=proposed)

    def _people(self, statement: Statement, to: tuple[UUID, ...]) -> tuple[UUID, ...]:
        """Those it was sent to, or `to` some of them; of a team, who is still in it. Raises `SealingError`."""
        wanted = tuple(dict.fromkeys(to)) or tuple(each.practitioner for each in statement.recipients)
        if statement.team is None:
            return wanted
        present = {each.id for each in self._teams.members(statement.team)}
        left = tuple(person for person in wanted if person in present)
        if not left:
            raise SealingError("nobody whom the letter was sent to is in its team any more", "Send it as a new letter.")
        return left

    def _check(self, statement: Statement, to: tuple[UUID, ...]) -> None:
        if statement.sender != self._me:
            raise SealingError("a letter is sent again by its sender alone", "Ask them: concord send-again")
        if not set(to) <= {each.practitioner for each in statement.recipients}:
            raise SealingError("the letter was not sent to them", "Send the document as a new letter: concord send")


def _draft(statement: Statement, body: io.BytesIO, people: tuple[UUID, ...]) -> Draft:
    """As it was sent; a new letter begins a thread of its own."""
    return Draft(
        body=body,
        media_type=statement.body.type,
        consent=statement.consent,
        purpose=statement.purpose,
        information=statement.information,
        sensitivity=statement.sensitivity,
        recipients=people,
        label_reason=statement.label_reason,
        team=statement.team,
        on_behalf_of=statement.on_behalf_of,
    )


__all__ = ["LettersAgain"]
