"""Letters as a clinician handles them: send, list, open, read the receipts.

Owns the order of steps that keeps a letter from being lost or half-read: labels checked before anything is sealed,
sealed to the local letter box before it is handed over, fetched whole before it is opened, opened before the receipt
is signed. Refuses to keep anything unsealed, and to write a document to a file without the notice that is due beside
it (42 CFR 2.32).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from concord_formats.key_entries import SignedEntry
from concord_formats.vocabulary import PartyKind

from .addressing import Addressing
from .age import HybridIdentity
from .api import Consent, InboxEntry, MessagingApi
from .colleagues import Colleagues
from .deliveries import ReceiptLine, receipt_lines
from .drafts import Draft, enclose, proposal
from .errors import KeyLogError, ServiceError, UnreachableError
from .labels import LeftOut, Proposal, check_declared
from .letter import OpenedLetter, make_receipt, open_letter, seal
from .letter.showing import Row, before_the_document, notice_file
from .own_keys import OwnKeys
from .private_files import replacing
from .profile import Profile
from .provenance import Provenance
from .store import LetterBox, SealedStore

# Read from disk and from the network in pieces of this size, so that a letter's length costs no memory.
PIECE = 256 * 1024
Step = Callable[[int], None]
Told = Callable[[Proposal], None]
# Beside an exported document: what may not be parted from it.
NOTICE_ENDING = ".notice.txt"


@dataclass(frozen=True)
class Sent:
    """A letter that was handed over: `answer` is messaging's own (state and deliveries)."""

    letter: UUID
    recipients: tuple[UUID, ...]
    answer: dict[str, Any]


# A refusal that says nothing of the letter itself: sign in again, try later. The letter stays for that.
_PASSING = {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR
_DELETED = "letter-deleted"


def _for_good(refused: ServiceError) -> bool:
    """Whether a service of ours has refused the letter itself; a proxy's page or a portal's redirect says nothing."""
    return refused.by_concord and refused.status not in _PASSING and refused.status < _FAILED


class Letters:
    """Letters to and from colleagues."""

    def __init__(
        self, api: MessagingApi, colleagues: Colleagues, addressing: Addressing, profile: Profile, own: OwnKeys
    ) -> None:
        self.api = api
        self._colleagues = colleagues
        self._own_keys = own
        self._addressing = addressing
        self._box = LetterBox(profile.letters)
        self._outgoing = LetterBox(profile.outgoing)
        self._provenance = Provenance(SealedStore(profile.sealed, own.keyring.store_identity()))

    def send(self, draft: Draft, *, step: Step | None = None, proposed: Told | None = None) -> Sent:
        """Seal a document and hand it over.

        A refusal leaves nothing behind; an interruption leaves the sealed letter, for `resend`. Raises what `seal`
        raises, and `ServiceError` (its `type` names why).
        """
        return self.resend(self.seal(draft, step=step, proposed=proposed))

    def seal(self, draft: Draft, *, step: Step | None = None, proposed: Told | None = None) -> UUID:
        """Seal a document into the outgoing box; the letter's id, for `resend`.

        `proposed` is told which labels were found, before they are compared with those declared. Raises
        `LabelsLeftOutError`, `SealingError`, `DocumentError`, `NoRecipientError`, `TeamError`, `PinError`,
        `UnreachableError`.
        """
        left_out = self.check_labels(draft, proposed)
        made = self._addressing.of(draft, left_out, **self._own(draft))
        address, me = made.address, self._colleagues.me
        entries = self._colleagues.entries({*address.recipients, me})
        proof = self._colleagues.key_log.proof(me) if self._colleagues.key_log else None
        with self._outgoing.writing(address.letter) as target:
            sealed = seal(
                target,
                body=draft.body,
                media_type=draft.media_type,
                address=address,
                signing_key=self._own_keys.keyring.signing_key(),
                recipients={person: entries[person] for person in address.recipients},
                own_entry=entries[me],
                enclosed=enclose(address, made.version, self._colleagues, left_out, proof, made.delegation),
                progress=step,
            )
            self._provenance.note(sealed.statement)
        return address.letter

    def consent(self, draft: Draft) -> Consent:
        """What a draft would go under, as one sees it oneself or by a delegation. Raises what `recipients` does."""
        return self._addressing.consent(draft)

    def recipients(self, draft: Draft) -> tuple[UUID, ...]:
        """Whom a draft would go to now. Raises `NoRecipientError`, `TeamError`, `KeyLogError`, `ServiceError`."""
        return self._addressing.recipients(draft)

    def check_labels(self, draft: Draft, proposed: Told | None = None) -> LeftOut:
        """What is left out of a draft's labels, with its reason; `seal` asks the same. Its consent is not looked at.

        Raises `LabelsLeftOutError`, `DocumentError`.
        """
        found = proposal(draft, self._provenance)
        if proposed:
            proposed(found)
        return check_declared(found, draft.information, draft.sensitivity, draft.label_reason)

    def resend(self, letter: UUID) -> Sent:
        """Hand over a letter that is sealed already; doing so twice changes nothing."""
        box = self._outgoing if letter in self._outgoing else self._box
        address = box.address(letter)
        try:
            answer = self.api.put(letter, lambda: box.pieces(letter, PIECE))
        except ServiceError as refused:
            if box is self._outgoing and refused.type == _DELETED:
                box.move(letter, self._box)  # it had arrived, long ago: what is kept here may be the last copy
            elif box is self._outgoing and _for_good(refused):
                box.remove(letter)  # it would be refused again
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

        Whoever shows the document shows `before(opened)` first. With a `target` that is a path, a notice that is due
        is written beside it, to its name and `NOTICE_ENDING`, before the document is there. The sender is told by a
        signed receipt, unless `acknowledge` is false. Raises `LetterError` and leaves no document when any check
        fails; `ServiceError` when the gate refuses.
        """
        if letter not in self._box:
            self._fetch(letter, step)
        opened = self._own_keys.opening(lambda identities: self._opened(letter, identities, target))
        if acknowledge:
            self._acknowledge(opened)
        return opened

    def before(self, opened: OpenedLetter) -> list[Row]:
        """What a reader is to see before the document: notice, scope, labels left out, doubts; names where known."""
        return before_the_document(opened, self.name)

    def receipts(self, *, on_behalf: bool = False) -> Iterator[ReceiptLine]:
        """What is known of every letter one has sent; receipts are checked against the recipient's keys.

        `on_behalf`: of those that others sent in one's own name.
        """
        after: str | None = None
        while True:
            page, after = self.api.sent(after=after, on_behalf=on_behalf)
            for status in page:
                yield from receipt_lines(status, self._colleagues, self._box)
            if not page or after is None:
                return

    def status(self, letter: UUID) -> list[ReceiptLine]:
        """What is known of one letter."""
        return list(receipt_lines(self.api.status(letter), self._colleagues, self._box))

    def _own(self, draft: Draft) -> dict[str, UUID]:
        thread = {"thread": self._box.address(draft.reply_to).thread} if draft.reply_to else {}
        return {"sender": self._colleagues.me, "device": self._own_keys.keyring.device} | thread

    def _opened(self, letter: UUID, identities: Sequence[HybridIdentity], target: Path | BinaryIO) -> OpenedLetter:
        with self._box.reading(letter) as source:
            return open_letter(
                source,
                identities=identities,
                reader=self._colleagues.me,
                sender_history=self._sender_keys,
                log_doubts=self._colleagues.log_doubts,
                target=target,
                beforehand=lambda opened: self._beforehand(opened, target),
            )

    def _sender_keys(self, sender: UUID) -> Sequence[SignedEntry]:
        """The sender's history; one whom the directory shows under another name than the log is refused first."""
        if self._colleagues.key_log:
            self._colleagues.person(sender, fresh=False)
        return self._colleagues.history(sender)

    def _beforehand(self, opened: OpenedLetter, target: Path | BinaryIO) -> None:
        """What has to be so before anybody has the document."""
        self._provenance.note(opened.statement)
        if opened.notice and isinstance(target, Path):
            with replacing(target.with_name(target.name + NOTICE_ENDING)) as file:
                file.write(notice_file(opened, self.name))

    def name(self, party: str) -> str:
        """The directory's name of `practitioner:<id>`, `organization:<id>` or `team:<id>`; a notice does not wait for
        one.
        """
        kind, _, id_ = party.partition(":")
        try:
            if kind == PartyKind.PRACTITIONER:
                return self._colleagues.person(UUID(id_), fresh=False).name
            if kind == "team":
                return self._addressing.team_name(UUID(id_))
            return self._colleagues.directory.organization(UUID(id_)).name
        except (ServiceError, UnreachableError, KeyLogError):
            return party

    def _fetch(self, letter: UUID, step: Step | None) -> None:
        with self.api.content(letter) as response, self._box.writing(letter) as target:
            for piece in response.iter_bytes(PIECE):
                target.write(piece)
                if step:
                    step(len(piece))

    def _acknowledge(self, opened: OpenedLetter) -> None:
        if opened.address.sender == self._colleagues.me:
            return
        receipt, signature = make_receipt(opened, self._own_keys.keyring)
        self.api.post_receipt(opened.address.letter, receipt, signature)


__all__ = ["NOTICE_ENDING", "PIECE", "Draft", "Letters", "ReceiptLine", "Sent", "Step", "Told"]
