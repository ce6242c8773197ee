"""Letters as their sender and their recipients may see them.

Owns the reading of letters and deliveries. Refuses to show a letter to anyone else, or a held one to its recipient:
what is not yours and what is not there read the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.address import Address, parse_address
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import invalid_field, not_found

from .models import DeliveryRow, LetterRow
from .rules import State


@dataclass(frozen=True)
class Stored:
    """A letter with the deliveries that its reader may see."""

    letter: LetterRow
    deliveries: Sequence[DeliveryRow]

    @property
    def state(self) -> State:
        """Where the letter stands: all its deliveries share one fate."""
        return State(self.deliveries[0].state)

    @property
    def writers(self) -> set[UUID | None]:
        """Whose letter it is: the sender's, and whoever's they wrote it for. The gate judges that claim, so before the
        release it is none.
        """
        row = self.letter
        return {row.sender, row.on_behalf_of} if self.state is State.RELEASED else {row.sender}

    @property
    def address(self) -> Address:
        """The letter's address, which was checked when it came."""
        return parse_address(self.letter.address)


def find(session: Session, letter: UUID) -> Stored | None:
    """A letter with all its deliveries, in the order of the address, or None."""
    row = session.get(LetterRow, letter)
    return None if row is None else Stored(row, deliveries_of(session, [row])[row.id])


class Letters:
    """What a practitioner may see of letters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def status(self, reader: UUID, letter: UUID) -> Stored:
        """One letter: whole for its sender and, once it is released, for whoever it was sent on behalf of; their own
        released delivery for a recipient. Raises problem 404.
        """
        with self._database.transaction() as session:
            stored = find(session, letter)
        if stored is None:
            raise not_found("letter")
        if reader in stored.writers:
            return stored
        own = [each for each in stored.deliveries if each.recipient == reader and each.state == State.RELEASED.value]
        if not own:
            raise not_found("letter")
        return Stored(stored.letter, own)

    def sent(
        self, sender: UUID, after: str | None, limit: int, *, on_behalf: bool = False
    ) -> tuple[list[Stored], str | None]:
        """Letters of a sender in the order of their acceptance, and the cursor of the next page if there may be one.

        `on_behalf`: those that others sent in their name instead, once the gate has found that they may. Raises problem
        422 that names `cursor`.
        """
        query = select(LetterRow).where(*(_written_for(sender) if on_behalf else (LetterRow.sender == sender,)))
        if after is not None:
            query = query.where(tuple_(LetterRow.accepted_at, LetterRow.id) > _place(after))
        with self._database.transaction() as session:
            rows = session.scalars(query.order_by(LetterRow.accepted_at, LetterRow.id).limit(limit)).all()
            deliveries = deliveries_of(session, rows)
        page = [Stored(row, deliveries[row.id]) for row in rows]
        if len(rows) < limit:
            return page, None
        return page, encode_cursor([rows[-1].accepted_at.isoformat(), str(rows[-1].id)])


def check_reply(database: Database, address: Address) -> None:
    """Raises problem 422 unless the letter replied to is the sender's own, sent or received, in the same thread.

    A letter that was sent on behalf of somebody is theirs as well, and who writes for them may reply to what is theirs.
    """
    if address.reply_to is None:
        return
    writers = {address.sender} if address.on_behalf_of is None else {address.sender, address.on_behalf_of}
    with database.transaction() as session:
        stored = find(session, address.reply_to)
    parties: set[UUID | None] = set()
    if stored is not None:
        released = {each.recipient for each in stored.deliveries if each.state == State.RELEASED.value}
        parties = {*released, *stored.writers}
    if stored is None or parties.isdisjoint(writers):
        raise invalid_field("reply_to", "name a letter that you sent or received")
    if stored.letter.thread != address.thread:
        raise invalid_field("thread", "a reply carries the thread of the letter it replies to")


def deliveries_of(session: Session, rows: Sequence[LetterRow]) -> dict[UUID, list[DeliveryRow]]:
    """The deliveries of each of these letters, in one order."""
    query = select(DeliveryRow).where(DeliveryRow.letter.in_([row.id for row in rows]))
    found: dict[UUID, list[DeliveryRow]] = {row.id: [] for row in rows}
    for each in session.scalars(query.order_by(DeliveryRow.recipient)):
        found[each.letter].append(each)
    return found


def _written_for(delegator: UUID) -> tuple[ColumnElement[bool], ...]:
    deliveries = select(DeliveryRow.letter).where(DeliveryRow.letter == LetterRow.id)
    released = deliveries.where(DeliveryRow.state == State.RELEASED.value).exists()
    return LetterRow.on_behalf_of == delegator, released


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, letter = decode_cursor(cursor, [str, str])
    try:
        moment = datetime.fromisoformat(str(at))
        if moment.tzinfo is None or not 1970 <= moment.year <= 9000:
            raise ValueError("not a moment of ours")
        return moment, UUID(str(letter))
    except ValueError:
        raise invalid_field("cursor", "use the `next` of the page before, unchanged") from None
