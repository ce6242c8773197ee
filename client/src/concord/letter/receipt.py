"""Receipts: a recipient's signed word that they opened a letter, byte for byte.

Owns their making after a letter was opened, and their checking by its sender. Refuses to take a receipt for another
letter, for other bytes, or by anyone but the recipient's own device. Specified in `spec/letter.md`, "Receipt".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from concord_formats.lines import LineError, parse_line
from concord_formats.scalars import FormatVersion, Id, Moment, Sha256
from concord_formats.signatures import HybridPublicKey, SignatureError, SignedKind, from_base64url
from pydantic import BaseModel, ConfigDict

from ..errors import ReceiptError, UnknownSignerError
from ..keyring import Keyring
from .open import OpenedLetter
from .signer import Keys, find_signer

# Seven short members: a longer receipt is not one of ours.
MAX_RECEIPT_BYTES = 1024


class Receipt(BaseModel):
    """What a recipient signs: which letter they opened (SHA-256 of its whole bytes), when, on which device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: FormatVersion
    letter: Id
    recipient: Id
    device: Id
    letter_sha256: Sha256
    opened_at: Moment


class ReceiptTexts(Protocol):
    """A receipt as it travels: its exact bytes and its signature, both base64url without padding."""

    @property
    def receipt(self) -> str:
        """The exact bytes."""

    @property
    def signature(self) -> str:
        """The hybrid signature over them."""


class SentLetters(Protocol):
    """Where the sender keeps the letters that were sent."""

    def sha256(self, letter: UUID) -> str:
        """SHA-256 of a letter's whole bytes. Raises FileNotFoundError when it is not kept."""


def make_receipt(opened: OpenedLetter, keyring: Keyring, *, at: datetime | None = None) -> tuple[bytes, bytes]:
    """A receipt's exact bytes and their signature by this device, for a letter that passed every check."""
    receipt = Receipt(
        v=1,
        letter=opened.address.letter,
        recipient=keyring.account,
        device=keyring.device,
        letter_sha256=opened.sha256,
        opened_at=at or datetime.now(UTC),
    )
    line = receipt.model_dump_json().encode("ascii")
    return line, keyring.signing_key().sign(SignedKind.RECEIPT, line)


def verify_receipt(signed: ReceiptTexts, recipient_keys: Keys, sent: SentLetters, letter: UUID) -> Receipt:
    """Check a receipt against the recipient's pinned keys and the letter that one sent. Raises `ReceiptError`.

    Its `recipient` is then the account of `recipient_keys`.
    """
    try:
        line = from_base64url(signed.receipt)
        receipt = parse_line(Receipt, line, MAX_RECEIPT_BYTES)
        signer = find_signer(recipient_keys, receipt.device, receipt.opened_at)
        key = HybridPublicKey.decode(signer.signing_key)
        key.verify(SignedKind.RECEIPT, line, from_base64url(signed.signature))
    except (LineError, SignatureError, UnknownSignerError):
        raise ReceiptError("the receipt is not one that this recipient's device signed") from None
    if (receipt.letter, receipt.recipient) != (letter, signer.practitioner):
        raise ReceiptError("the receipt speaks of another letter or another recipient")
    _check_bytes(receipt, sent)
    return receipt


def _check_bytes(receipt: Receipt, sent: SentLetters) -> None:
    try:
        known = sent.sha256(receipt.letter)
    except FileNotFoundError:
        raise ReceiptError("the letter is not kept on this device, so its receipt cannot be checked") from None
    if receipt.letter_sha256 != known:
        raise ReceiptError("the recipient opened other bytes than those that were sent")


__all__ = ["MAX_RECEIPT_BYTES", "Receipt", "ReceiptTexts", "SentLetters", "make_receipt", "verify_receipt"]
