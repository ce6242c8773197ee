"""From what is stored to what is shown.

Owns the mapping. Refuses to choose: who may see what was settled before.
"""

from __future__ import annotations

from concord_formats.signatures import to_base64url

from .letters import Stored
from .mailbox import Entry
from .models import DeliveryRow
from .rules import State
from .shapes import (
    DeliveryAnswer,
    InboxAnswer,
    InboxEntry,
    LetterAnswer,
    SendAnswer,
    SignedReceipt,
    TeamEntry,
    TeamInboxAnswer,
)
from .usecases import Outcome


def outcome(result: Outcome) -> SendAnswer:
    """What became of a letter that was sent."""
    deliveries = [
        DeliveryAnswer(recipient=who, state=result.state, released_at=result.released_at) for who in result.recipients
    ]
    return SendAnswer(letter=result.letter, state=result.state, reason=result.reason, deliveries=deliveries)


def letter(stored: Stored) -> LetterAnswer:
    """A letter with the deliveries that its reader may see."""
    return LetterAnswer(
        letter=stored.letter.id,
        address=to_base64url(stored.letter.address),
        state=stored.state,
        deliveries=[_delivery(each) for each in stored.deliveries],
        deleted_at=stored.letter.deleted_at,
    )


def inbox(entries: list[Entry], after: int) -> InboxAnswer:
    """A page of a mailbox."""
    last = entries[-1].place if entries else after
    return InboxAnswer(letters=[_entry(each) for each in entries], next=str(last))


def team_inbox(letters: list[Stored], after: int) -> TeamInboxAnswer:
    """A page of a team's inbox."""
    last = letters[-1].letter.team_place if letters else after
    return TeamInboxAnswer(letters=[_team_entry(each) for each in letters], next=str(last))


def _delivery(row: DeliveryRow) -> DeliveryAnswer:
    receipt = None
    if row.receipt is not None and row.receipt_signature is not None:
        receipt = SignedReceipt(receipt=to_base64url(row.receipt), signature=to_base64url(row.receipt_signature))
    return DeliveryAnswer(
        recipient=row.recipient,
        state=State(row.state),
        reason=row.reason,
        released_at=row.released_at,
        fetched_at=row.fetched_at,
        opened_at=row.opened_at,
        receipt=receipt,
    )


def _entry(entry: Entry) -> InboxEntry:
    return InboxEntry(
        cursor=str(entry.place),
        letter=entry.letter,
        address=to_base64url(entry.line),
        size=entry.size,
        released_at=entry.released_at,
        fetched_at=entry.fetched_at,
        opened_at=entry.opened_at,
        deleted_at=entry.deleted_at,
    )


def _team_entry(stored: Stored) -> TeamEntry:
    row = stored.letter
    deliveries = [_delivery(each) for each in stored.deliveries]
    # All copies were released at once, in the transaction that gave the letter its place.
    released_at = deliveries[0].released_at or row.accepted_at
    return TeamEntry(
        cursor=str(row.team_place),
        letter=row.id,
        address=to_base64url(row.address),
        size=row.size,
        released_at=released_at,
        deliveries=deliveries,
        deleted_at=row.deleted_at,
    )
