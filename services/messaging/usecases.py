"""Messaging's first verb: send a letter.

Owns the order of its steps: read, check who sends, then one transaction at the gate that releases or refuses, or one
outside it that holds. Refuses HTTP (`api.py`) and decisions (`rules.py`). The other verbs have modules of their own:
`handout.py`, `mailbox.py`, `letters.py`, `receipts.py`, and `held.py` for what becomes of held letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis import failpoints
from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.problems import Problem, invalid_field, unavailable
from services.chassis.wake import Notifier

from . import letters, outcomes, release
from .accept import accept_for
from .facts import Question
from .gate import Gate, GateClosedError, Opening
from .intake import Intake
from .refusals import refusal_problem
from .release import Incoming, UploadSweptError
from .rules import Refusal, State


@dataclass(frozen=True)
class Outcome:
    """Where a letter stands after it was sent: the same for all its recipients.

    `new` is false when it was here before.
    """

    letter: UUID
    state: State
    recipients: tuple[UUID, ...]
    released_at: datetime | None = None
    reason: str | None = None
    new: bool = True


class Sending:
    """Accepts letters. `held_for` is how long one may wait for the gate."""

    def __init__(
        self, database: Database, clock: Clock, notifier: Notifier, gate: Gate, intake: Intake, *, held_for: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._gate = gate
        self._intake = intake
        self._held_for = held_for
        self._accept_letter = accept_for(database)

    def send(self, caller: Caller, letter: UUID, pieces: Iterator[bytes]) -> Outcome:
        """Read a letter and release, hold or refuse it. Sending the same bytes again changes nothing.

        Raises problem 403 (the gate's reason), 403 `not-the-sender`, 409 `letter-id-taken`, 410 `letter-deleted`, 422,
        and those of `Intake.read`.
        """
        incoming = self._intake.read(pieces)
        try:
            _check_sender(caller, letter, incoming)
            letters.check_reply(self._database, incoming.address)
            return self._accept(incoming)
        except UploadSweptError:
            raise unavailable(
                "upload-expired", "Too slow", "The upload took too long. Send the letter again."
            ) from None
        finally:
            if incoming.body is None:
                self._intake.discard(incoming.upload)

    def _accept(self, incoming: Incoming) -> Outcome:
        try:
            try:
                return self._gate.asking_again(lambda final: self._pass(incoming, final=final))
            except GateClosedError as closed:
                return self._hold(incoming, closed.reason)
        except IntegrityError:
            # Another request with this letter's id was first, and has committed by now.
            with self._database.transaction() as session:
                known = _known(session, incoming)
            if known is None:
                raise
            return known

    def _pass(self, incoming: Incoming, *, final: bool) -> Outcome:
        """Through the gate: released, or refused as a problem.

        Raises `GateClosedError`, IntegrityError, and `UnheardError` unless `final`.
        """
        address = incoming.address
        with self._gate.open(Question(address, address.sender, address.device)) as opening:
            refusals = opening.refusals(address.recipients, final=final)
            if refusals:
                known = self._refuse(opening, incoming, refusals)
            else:
                now = self._clock.now()
                self._accept_letter(opening.session, incoming, now)
        self._ring(() if refusals else address.recipients)
        if not refusals:
            outcomes.tell("released", address.letter)
            return Outcome(address.letter, State.RELEASED, address.recipients, now)
        if known is not None:
            return known
        outcomes.tell_refused(address.letter, [each.reason.value for each in refusals.values()])
        raise refusal_problem({who: opening.told(each) for who, each in refusals.items()})

    def _refuse(self, opening: Opening, incoming: Incoming, refusals: dict[UUID, Refusal]) -> Outcome | None:
        """Record refusals, unless the letter is here already: what became of it then does not change."""
        if known := _known(opening.session, incoming):
            return known
        now = self._clock.now()
        release.refuse(opening.session, incoming.address, refusals, now, opening.known, incoming.digest)
        return None

    def _hold(self, incoming: Incoming, reason: str) -> Outcome:
        """Keep a letter that the gate cannot decide on now. Raises IntegrityError."""
        address, now = incoming.address, self._clock.now()
        with self._database.transaction() as session:
            release.keep(session, incoming, now)
            failpoints.reach("hold.after_keep")
            release.hold(session, address, now + self._held_for)
            failpoints.reach("hold.before_commit")
        self._notifier.notify("held")
        outcomes.tell("held", address.letter, reason)
        return Outcome(address.letter, State.HELD, address.recipients, reason=reason)

    def _ring(self, recipients: Iterable[UUID]) -> None:
        for recipient in recipients:
            self._notifier.notify("mailbox", str(recipient))
        self._notifier.notify("outbox")


def _check_sender(caller: Caller, letter: UUID, incoming: Incoming) -> None:
    address = incoming.address
    if (address.sender, address.device) != (caller.practitioner, caller.device):
        detail = "The address names another sender or device than you signed in with. Seal the letter on this device."
        raise Problem(403, "not-the-sender", "Not the sender", detail)
    if address.letter != letter:
        raise invalid_field("letter", "the address names another letter than the path")


def _known(session: Session, incoming: Incoming) -> Outcome | None:
    """What became of this letter, if it is here.

    Raises problem 409 when its id belongs to another, 410 when it was released and its bytes are gone: whoever sends
    it again wants it to be read, and that these bytes cannot bring about.
    """
    stored = letters.find(session, incoming.address.letter)
    if stored is None:
        return None
    if (stored.letter.sender, stored.letter.digest) != (incoming.address.sender, incoming.digest):
        detail = "Another letter has this id already. Seal the letter again under a new id."
        raise Problem(409, "letter-id-taken", "Letter id taken", detail)
    if stored.state is State.RELEASED and stored.letter.deleted_at is not None:
        detail = "It was released, and its bytes are deleted since. Seal the document anew and send it as a new letter."
        raise Problem(410, "letter-deleted", "Letter deleted", detail)
    first = stored.deliveries[0]
    recipients = tuple(each.recipient for each in stored.deliveries)
    return Outcome(stored.letter.id, stored.state, recipients, first.released_at, first.reason, new=False)
