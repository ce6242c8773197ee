"""Letters as a clinician handles them: send, list, open, read the receipts.

Owns the order of steps that keeps a letter from being lost or half-read: sealed to the local letter box before it is
handed over, fetched whole before it is opened, opened before the receipt is signed. Refuses to keep anything
unsealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

from concord_formats.address import Address
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from .api import Delivery, InboxEntry, LetterStatus, MessagingApi
from .colleagues import Colleagues
from .consents import Consents, other_side
from .errors import LetterError, NoRecipientError, ServiceError
from .keyring import Keyring
from .letter import OpenedLetter, make_receipt, open_letter, seal, verify_receipt
from .profile import Profile
from .store import LetterBox

# Read from disk and from the network in pieces of this size, so that a letter's length costs no memory.
PIECE = 256 * 1024
Step = Callable[[int], None]


@dataclass(frozen=True)
class Draft:
    """What the sender decides: the document, the consent it goes under, why, and what is in it."""

    body: BinaryIO  # seekable
    media_type: str
    consent: UUID
    purpose: Purpose
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    recipients: tuple[UUID, ...] = ()
    reply_to: UUID | None = None


@dataclass(frozen=True)
class Sent:
    """A letter that was handed over: `answer` is messaging's own (state and deliveries)."""

    letter: UUID
    recipients: tuple[UUID, ...]
    answer: dict[str, Any]


@dataclass(frozen=True)
class ReceiptLine:
    """What is known of one delivery: `verified` only when the recipient's own signed receipt was checked.

    `doubt` says why a receipt that came does not count: the letter is then to be treated as not yet opened.
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


class Letters:
    """Letters to and from colleagues."""

    def __init__(
        self, api: MessagingApi, colleagues: Colleagues, consents: Consents, profile: Profile, keyring: Keyring
    ) -> None:
        self.api = api
        self._colleagues = colleagues
        self._consents = consents
        self._keyring = keyring
        self._box = LetterBox(profile.letters)
        self._outgoing = LetterBox(profile.outgoing)

    def send(self, draft: Draft, *, step: Step | None = None) -> Sent:
        """Seal a document and hand it over.

        A refusal leaves nothing behind; an interruption leaves the sealed letter, for `resend`. Raises `ServiceError`
        (its `type` names why), `NoRecipientError`, `PinError`, `UnreachableError`.
        """
        return self.resend(self.seal(draft, step=step))

    def seal(self, draft: Draft, *, step: Step | None = None) -> UUID:
        """Seal a document into the outgoing box; the letter's id, for `resend`."""
        address = self._address(draft)
        recipients = {person: self._colleagues.entry(person) for person in address.recipients}
        with self._outgoing.writing(address.letter) as target:
            seal(
                target,
                body=draft.body,
                media_type=draft.media_type,
                address=address,
                signing_key=self._keyring.signing_key(),
                recipients=recipients,
                own_entry=self._colleagues.entry(self._colleagues.me),
                progress=step,
            )
        return address.letter

    def resend(self, letter: UUID) -> Sent:
        """Hand over a letter that is sealed already; doing so twice changes nothing."""
        box = self._outgoing if letter in self._outgoing else self._box
        address = box.address(letter)
        try:
            answer = self.api.put(letter, lambda: box.pieces(letter, PIECE))
        except ServiceError as refused:
            if refused.status < HTTPStatus.INTERNAL_SERVER_ERROR and box is self._outgoing:
                box.remove(letter)  # refused for good: it would be refused again
            raise
        if box is self._outgoing:
            box.move(letter, self._box)
        return Sent(letter, address.recipients, answer)

    def unsent(self) -> list[UUID]:
        """Letters that are sealed, and of which it is not known that the service has them."""
        return list(self._outgoing)

    def inbox(self, *, after: str | None = None, wait: float = 0) -> tuple[list[InboxEntry], str | None]:
        """Letters that were released to the reader, oldest first."""
        return self.api.inbox(after=after, wait=wait)

    def open(
        self, letter: UUID, target: Path | BinaryIO, *, step: Step | None = None, acknowledge: bool = True
    ) -> OpenedLetter:
        """Fetch a letter through the gate (once; later from the sealed local copy), check everything, write the
        document.

        The sender is told by a signed receipt, unless `acknowledge` is false. Raises `LetterError` and leaves no
        document when any check fails; `ServiceError` when the gate refuses.
        """
        if letter not in self._box:
            self._fetch(letter, step)
        with self._box.reading(letter) as source:
            opened = open_letter(
                source,
                identities=self._keyring.encryption_identities(),
                reader=self._colleagues.me,
                sender_history=self._colleagues.history,
                target=target,
            )
        if acknowledge:
            self._acknowledge(opened)
        return opened

    def receipts(self) -> Iterator[ReceiptLine]:
        """What is known of every letter one has sent; receipts are checked against the recipient's keys."""
        after: str | None = None
        while True:
            page, after = self.api.sent(after=after)
            for status in page:
                yield from self._lines(status)
            if not page or after is None:
                return

    def status(self, letter: UUID) -> list[ReceiptLine]:
        """What is known of one letter."""
        return list(self._lines(self.api.status(letter)))

    def _address(self, draft: Draft) -> Address:
        version = self._consents.in_force(draft.consent)
        recipients = draft.recipients or self._everyone_else(draft.consent)
        letter = uuid4()
        return Address(
            v=1,
            letter=letter,
            sender=self._colleagues.me,
            device=self._keyring.device,
            recipients=recipients,
            patient=self._consents.show(draft.consent).patient,
            consent=draft.consent,
            consent_version=version.version,
            purpose=draft.purpose,
            information=draft.information,
            sensitivity=draft.sensitivity,
            thread=self._thread(draft.reply_to) or letter,
            reply_to=draft.reply_to,
            sealed_at=datetime.now(UTC),
        )

    def _everyone_else(self, consent: UUID) -> tuple[UUID, ...]:
        parties = other_side(self._consents.in_force(consent), self._colleagues)
        people = [person for person in self._colleagues.members(parties) if person != self._colleagues.me]
        if not people:
            raise NoRecipientError(consent)
        return tuple(people)

    def _thread(self, reply_to: UUID | None) -> UUID | None:
        return self._box.address(reply_to).thread if reply_to else None

    def _fetch(self, letter: UUID, step: Step | None) -> None:
        with self.api.content(letter) as response, self._box.writing(letter) as target:
            for piece in response.iter_bytes(PIECE):
                target.write(piece)
                if step:
                    step(len(piece))

    def _acknowledge(self, opened: OpenedLetter) -> None:
        if opened.address.sender == self._colleagues.me:
            return
        receipt, signature = make_receipt(opened, self._keyring)
        self.api.post_receipt(opened.address.letter, receipt, signature)

    def _lines(self, status: LetterStatus) -> Iterator[ReceiptLine]:
        for delivery in status.deliveries:
            verified, doubt = self._checked(status.letter, delivery)
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
            )

    def _checked(self, letter: UUID, delivery: Delivery) -> tuple[bool, str | None]:
        """Whether a receipt proves that the letter was opened, or why not:

        one that does not must not hide the others.
        """
        if delivery.receipt is None:
            return False, None
        try:
            verify_receipt(delivery.receipt, self._colleagues.history(delivery.recipient), self._box, letter)
        except LetterError as error:
            return False, error.message
        return True, None
