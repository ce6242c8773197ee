"""The rows of a letter's way: kept, released, held, refused, expired.

Owns every write of a letter and its deliveries up to the release. Refuses to decide, and to open or end a
transaction: the gate does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.address import Address
from sqlalchemy import Uuid, bindparam, delete, insert, select, text, update
from sqlalchemy.orm import Session

from services.chassis.event import Event

from . import account
from .events import Fact, letter_event
from .facts import Known
from .models import ChunkRow, DeliveryRow, HeldRow, LetterRow, MailboxRow, RefusalRow, UploadRow
from .rules import Reason, Refusal, State

# To whom the letter was not refused, when it was to another: a letter goes to all its recipients or to none.
OTHER_REFUSED = "other-recipient-refused"


@dataclass(frozen=True)
class Incoming:
    """A letter that was read: `line` are the exact bytes of its address, `digest` and `size` are of the whole body.

    `body` is the age file of a small letter; None: it is staged under `upload`.
    """

    line: bytes
    address: Address
    digest: str
    size: int
    upload: UUID
    body: bytes | None


class UploadSweptError(RuntimeError):
    """The staged body was swept before the letter was accepted: it took longer than any upload may."""


def keep(session: Session, incoming: Incoming, at: datetime) -> None:
    """Write the letter itself. Raises IntegrityError when its id is taken, `UploadSweptError`."""
    address, connection = incoming.address, session.connection()
    letter = {
        "id": address.letter,
        "sender": address.sender,
        "address": incoming.line,
        "digest": incoming.digest,
        "size": incoming.size,
        "upload": incoming.upload,
        "thread": address.thread,
        "accepted_at": at,
        "on_behalf_of": address.on_behalf_of,
        "team": address.team,
    }
    connection.execute(_INSERT_LETTER, letter)
    if incoming.body is not None:
        connection.execute(_INSERT_CHUNK, {"upload": incoming.upload, "place": 0, "body": incoming.body})
    elif connection.execute(delete(UploadRow).where(UploadRow.id == incoming.upload)).rowcount != 1:
        raise UploadSweptError


def release(session: Session, address: Address, at: datetime) -> None:
    """Release a letter that was just kept to every recipient."""
    places = _places(session, address)
    rows = [_delivery(address, recipient, State.RELEASED, places[recipient], at) for recipient in address.recipients]
    session.connection().execute(_INSERT_DELIVERY, rows)
    account.disclose(session, address.patient, released(address, at))


def release_held(session: Session, address: Address, at: datetime) -> None:
    """Release a letter that was held to every recipient."""
    places = _places(session, address)
    for recipient in address.recipients:
        values = {"state": State.RELEASED.value, "place": places[recipient], "released_at": at}
        _change_held(session, address.letter, values, DeliveryRow.recipient == recipient)
    _let_go(session, address.letter)
    account.disclose(session, address.patient, released(address, at))


def released(address: Address, at: datetime) -> list[Event]:
    """What is told of a release: an event for each recipient, in the order of the address."""
    return [letter_event(Fact.RELEASED, address, recipient, at) for recipient in address.recipients]


def hold(session: Session, address: Address, expires_at: datetime) -> None:
    """Hold a letter that was just kept until the gate opens, or until it expires."""
    rows = [_delivery(address, recipient, State.HELD) for recipient in address.recipients]
    session.connection().execute(_INSERT_DELIVERY, rows)
    held = {"letter": address.letter, "expires_at": expires_at}
    session.connection().execute(insert(HeldRow), held)


def refuse(
    session: Session,
    address: Address,
    refusals: Mapping[UUID, Refusal],
    at: datetime,
    known: Known,
    digest: str | None = None,
) -> None:
    """Record who was refused and why, in the account of the cited consent's patient: what the letter says of a patient
    may be made up. The account of a consent nobody knows of is nobody's, so no line goes there.

    The line names the sender's organization: nobody but their side may read what would have been disclosed. `digest` is
    that of the sent bytes, at a send. Who asks for the same again, as after an answer that was lost, adds nothing.
    """
    before = _refused_before(session, address.letter, digest)
    refusals = {who: refusal for who, refusal in refusals.items() if (who, refusal.reason.value) not in before}
    if not refusals:
        return
    rows = [_refusal(address, recipient, refusal.reason, at, digest) for recipient, refusal in refusals.items()]
    session.connection().execute(insert(RefusalRow), rows)
    if known.consent is not None:
        patient, sender = known.consent.patient, known.people.get(address.sender)
        side = sender.organization if sender else None
        reasons = {who: refusal.reason.value for who, refusal in refusals.items()}
        told = [letter_event(Fact.REFUSED, address, who, at, why, patient, side) for who, why in reasons.items()]
        account.disclose(session, patient, told)


def refuse_held(session: Session, letter: LetterRow, told: Mapping[UUID, Refusal], at: datetime) -> None:
    """Refuse a letter that was held, with the reasons that its sender may learn, and delete its bytes."""
    values = {"state": State.REFUSED.value, "reason": OTHER_REFUSED}
    _change_held(session, letter.id, values, DeliveryRow.recipient.not_in(list(told)))
    for recipient, refusal in told.items():
        values = {"state": State.REFUSED.value, "reason": refusal.reason.value}
        _change_held(session, letter.id, values, DeliveryRow.recipient == recipient)
    _drop(session, letter, at)


def expire_held(session: Session, letter: LetterRow, at: datetime) -> None:
    """Give up a letter that was held for too long, and delete its bytes."""
    _change_held(session, letter.id, {"state": State.EXPIRED.value, "reason": "held-too-long"})
    _drop(session, letter, at)


def take_places(session: Session, recipients: Iterable[UUID]) -> dict[UUID, int]:
    """The next place in each recipient's mailbox.

    The row stays locked until the commit, so that places become visible in their order, without gaps; in one order of
    ids, so that two letters to the same people never wait for each other in a circle.
    """
    connection = session.connection()
    return {who: connection.execute(_TAKE_PLACE, {"recipient": who}).scalar_one() for who in sorted(recipients)}


def _places(session: Session, address: Address) -> dict[UUID, int]:
    """The next place in the mailbox of each recipient; the team's, if there is one, is written into the letter."""
    if address.team is None:
        return take_places(session, address.recipients)
    places = take_places(session, {*address.recipients, address.team})
    placed = update(LetterRow).where(LetterRow.id == address.letter).values(team_place=places[address.team])
    session.connection().execute(placed)
    return places


def _delivery(
    address: Address, recipient: UUID, state: State, place: int | None = None, at: datetime | None = None
) -> dict[str, Any]:
    return {
        "letter": address.letter,
        "recipient": recipient,
        "state": state.value,
        "place": place,
        "released_at": at,
    }


def _refused_before(session: Session, letter: UUID, digest: str | None) -> set[tuple[UUID, str]]:
    """To whom, and why, these bytes were refused; without a digest, the hand-out of the letter."""
    same = (RefusalRow.letter == letter, RefusalRow.digest == digest)
    told = session.connection().execute(select(RefusalRow.recipient, RefusalRow.reason).where(*same))
    return {(row.recipient, row.reason) for row in told}


def _refusal(address: Address, recipient: UUID, reason: Reason, at: datetime, digest: str | None) -> dict[str, Any]:
    return {
        "letter": address.letter,
        "sender": address.sender,
        "recipient": recipient,
        "consent": address.consent,
        "reason": reason.value,
        "at": at,
        "digest": digest,
    }


def _change_held(session: Session, letter: UUID, values: dict[str, Any], *where: Any) -> None:
    held = (DeliveryRow.letter == letter, DeliveryRow.state == State.HELD.value)
    session.connection().execute(update(DeliveryRow).where(*held, *where).values(values))


def _let_go(session: Session, letter: UUID) -> None:
    session.connection().execute(delete(HeldRow).where(HeldRow.letter == letter))


def _drop(session: Session, letter: LetterRow, at: datetime) -> None:
    _let_go(session, letter.id)
    delete_bytes(session, letter.id, letter.upload, at)


def delete_bytes(session: Session, letter: UUID, upload: UUID, at: datetime) -> None:
    """Delete what was sealed, and keep what became of it."""
    session.connection().execute(delete(ChunkRow).where(ChunkRow.upload == upload))
    session.connection().execute(update(LetterRow).where(LetterRow.id == letter).values(deleted_at=at))


_INSERT_LETTER = insert(LetterRow)
_INSERT_CHUNK = insert(ChunkRow)
_INSERT_DELIVERY = insert(DeliveryRow)
_TAKE_PLACE = text(
    f"INSERT INTO {MailboxRow.__tablename__} (recipient, last) VALUES (:recipient, 1) "  # noqa: S608 - a constant
    "ON CONFLICT (recipient) DO UPDATE SET last = mailbox.last + 1 RETURNING last"
).bindparams(bindparam("recipient", type_=Uuid()))
