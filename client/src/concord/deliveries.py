"""What is known of a letter's deliveries, with each recipient's signed receipt checked.

Owns the line that is shown of each. Refuses to let a receipt that does not verify hide the others, or count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.address import Address, AddressError
from concord_formats.signatures import SignatureError

from .api import Delivery, LetterStatus
from .colleagues import Colleagues
from .errors import LetterError
from .letter import verify_receipt
from .store import LetterBox


@dataclass(frozen=True)
class ReceiptLine:
    """What is known of one delivery: `verified` only when the recipient's own signed receipt was checked.

    `doubt` says why a receipt that came does not count: the letter is then to be treated as not yet opened. Who sent
    it, in whose name and to which team is what its address says; of an address that cannot be read, nothing.
    """

    letter: UUID
    recipient: UUID
    state: str
    reason: str | None
    released_at: datetime | None
    fetched_at: datetime | None
    opened_at: datetime | None
    verified: bool
    doubt: str | None = None
    sender: UUID | None = None
    on_behalf_of: UUID | None = None
    team: UUID | None = None


def receipt_lines(status: LetterStatus, colleagues: Colleagues, box: LetterBox) -> Iterator[ReceiptLine]:
    """A line for each delivery of a letter; receipts are checked against the recipient's keys and one's own copy."""
    address = _address(status)
    for delivery in status.deliveries:
        verified, doubt = _checked(status.letter, delivery, colleagues, box)
        yield ReceiptLine(
            status.letter,
            delivery.recipient,
            delivery.state,
            delivery.reason,
            delivery.released_at,
            delivery.fetched_at,
            delivery.opened_at,
            verified,
            doubt,
            *((address.sender, address.on_behalf_of, address.team) if address else ()),
        )


def _address(status: LetterStatus) -> Address | None:
    try:
        return status.parsed_address
    except (AddressError, SignatureError):
        return None


def _checked(letter: UUID, delivery: Delivery, colleagues: Colleagues, box: LetterBox) -> tuple[bool, str | None]:
    """Whether a receipt proves that the letter was opened, or why not."""
    if delivery.receipt is None:
        return False, None
    try:
        verify_receipt(delivery.receipt, colleagues.history(delivery.recipient), box, letter)
    except LetterError as error:
        return False, error.message
    return True, None


__all__ = ["ReceiptLine", "receipt_lines"]
