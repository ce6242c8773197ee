"""A team's inbox: what was released to it, in order, and which member read what.

Owns the reading of it by those who are members now. Refuses everybody else, a former member among them, with the
answer that a team nobody knows of gets; letters that were not sealed to the reader, whom their consents need not cover;
and sealed bytes: each member fetches their own copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.problems import not_found

from .gate import Gate, UnheardError
from .letters import Stored, deliveries_of
from .models import DeliveryRow, KnownMember, KnownPractitioner, LetterRow
from .rules import Status


class TeamInbox:
    """Reads the inboxes of teams."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def page(self, reader: UUID, team: UUID, after: int, limit: int) -> list[Stored]:
        """At most `limit` letters of a team that were sealed to its member `reader`, after a place in its inbox, each
        with the deliveries to all its recipients.

        Raises problem 404 for who is no member now, `GateClosedError`.
        """
        return self._gate.asking_again(lambda final: self._read(reader, team, (after, limit), final=final))

    def _read(self, reader: UUID, team: UUID, window: tuple[int, int], *, final: bool) -> list[Stored]:
        after, limit = window
        own = select(DeliveryRow.letter).where(DeliveryRow.letter == LetterRow.id, DeliveryRow.recipient == reader)
        query = select(LetterRow).where(LetterRow.team == team, LetterRow.team_place > after, own.exists())
        with self._gate.reading(reader) as session:
            _check_member(session, reader, team, final=final)
            rows = session.scalars(query.order_by(LetterRow.team_place).limit(limit)).all()
            deliveries = deliveries_of(session, rows)
        return [Stored(row, deliveries[row.id]) for row in rows]


def _check_member(session: Session, reader: UUID, team: UUID, *, final: bool) -> None:
    """Raises problem 404, or `UnheardError` where the directory may have told of the member by now."""
    query = (
        select(KnownMember.status, KnownPractitioner.status)
        .join(KnownPractitioner, KnownPractitioner.practitioner == KnownMember.practitioner)
        .where(KnownMember.team == team, KnownMember.practitioner == reader)
        .where(KnownMember.organization == KnownPractitioner.organization)
    )
    row: Sequence[str] | None = session.execute(query.with_for_update(read=True)).one_or_none()
    if row is not None and all(each == Status.ACTIVE.value for each in row):
        return
    if not final and (row is None or Status.UNKNOWN.value in row):
        raise UnheardError
    raise not_found("team")
