"""Receipts: a recipient's signed word that they opened a letter, kept for its sender.

Owns what a receipt must say to be kept. Refuses to verify its signature: whose key signed it is for the sender's
client, which knows the recipient's keys, to check; the server keeps exact bytes. Specified in `spec/letter.md`.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from concord_formats.address import parse_address
from concord_formats.signatures import ED25519_SIGNATURE_BYTES, MLDSA65_SIGNATURE_BYTES, SignatureError, from_base64url
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator
from sqlalchemy import update

from services.chassis import failpoints
from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.problems import Problem, invalid_field, not_found
from services.chassis.wake import Notifier

from . import account, letters
from .events import Fact, letter_event
from .models import DeliveryRow
from .rules import State

# Seven short members: a longer receipt is not one of ours.
MAX_RECEIPT_BYTES = 1024
SIGNATURE_BYTES = ED25519_SIGNATURE_BYTES + MLDSA65_SIGNATURE_BYTES


class Receipt(BaseModel):
    """What a recipient signs: which letter they opened, byte for byte, when, on which device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: Literal[1]
    letter: UUID
    recipient: UUID
    device: UUID
    letter_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    opened_at: AwareDatetime

    @field_validator("opened_at")
    @classmethod
    def _in_our_time(cls, value: AwareDatetime) -> AwareDatetime:
        # A year at either end of the calendar cannot be brought to UTC.
        if not 2000 <= value.year <= 2999:
            raise ValueError("is not a time at which a letter can be opened")
        return value


class Receipts:
    """Keeps receipts."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier

    def keep(self, caller: Caller, letter: UUID, receipt: str, signature: str) -> None:
        """Keep the first receipt of a delivery; a further one changes nothing. Both texts are base64url.

        Raises problem 404, 409 `not-fetched`, 422.
        """
        body, signed = _decode("receipt", receipt), _decode("signature", signature)
        if len(signed) != SIGNATURE_BYTES:
            raise invalid_field("signature", f"must be {SIGNATURE_BYTES} bytes in base64url")
        said = _read(body)
        with self._database.transaction() as session:
            stored = letters.find(session, letter)
            own = [each for each in stored.deliveries if each.recipient == caller.practitioner] if stored else []
            if stored is None or not own or own[0].state != State.RELEASED.value:
                raise not_found("letter")
            _check(said, caller, letter, stored.letter.digest)
            if own[0].fetched_at is None:
                detail = "A receipt is for a letter that was fetched. Open the letter first."
                raise Problem(409, "not-fetched", "Not fetched yet", detail)
            kept = session.connection().execute(
                update(DeliveryRow)
                .where(DeliveryRow.letter == letter, DeliveryRow.recipient == caller.practitioner)
                .where(DeliveryRow.receipt.is_(None))
                .values(receipt=body, receipt_signature=signed, opened_at=said.opened_at)
            )
            if kept.rowcount:
                address, now = parse_address(stored.letter.address), self._clock.now()
                opened = letter_event(Fact.OPENED, address, caller.practitioner, now)
                account.disclose(session, address.patient, [opened])
            failpoints.reach("receipt.before_commit")
        self._notifier.notify("outbox")


def _decode(field: str, text: str) -> bytes:
    try:
        return from_base64url(text)
    except SignatureError:
        raise invalid_field(field, "must be base64url without padding") from None


def _read(body: bytes) -> Receipt:
    if len(body) > MAX_RECEIPT_BYTES or b"\n" in body:
        raise invalid_field("receipt", f"must be one line of at most {MAX_RECEIPT_BYTES} bytes")
    try:
        return Receipt.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise invalid_field(".".join(["receipt", *map(str, first["loc"])]), str(first["msg"])) from None


def _check(said: Receipt, caller: Caller, letter: UUID, digest: str) -> None:
    """Raises problem 422 that names the member of the receipt which speaks of something else."""
    expected = {
        "letter": letter,
        "recipient": caller.practitioner,
        "device": caller.device,
        "letter_sha256": digest,
    }
    for member, value in expected.items():
        if getattr(said, member) != value:
            raise invalid_field(f"receipt.{member}", "speaks of another than the letter you fetched on this device")
