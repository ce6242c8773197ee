"""Held letters: what becomes of them once the gate can decide again, or has not been able to for too long.

Owns the queue of held letters. Refuses a way around the gate: a held letter is decided on like one that comes now, by
the facts of now.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.chassis import failpoints
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.wake import Notifier

from . import letters, outcomes, release
from .facts import Question
from .gate import Gate, GateClosedError, Opening
from .letters import Stored
from .models import HeldRow

# So many letters in one go; then the worker looks whether it should stop.
BATCH = 200


class Held:
    """Settles held letters, in the order in which they came.

    Several workers may: who finds the oldest letter in the hands of another leaves the queue to that one.
    """

    def __init__(self, database: Database, clock: Clock, notifier: Notifier, gate: Gate) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._gate = gate

    def release_due(self) -> int:
        """Release or refuse held letters, oldest first, while the gate is open; how many were settled."""
        settled = 0
        while settled < BATCH and (letter := self._next()) is not None:
            try:
                if not self._settle(letter):
                    break
            except GateClosedError:
                break
            settled += 1
        return settled

    def expire_due(self) -> int:
        """Give up letters that were held for too long; how many. Needs no gate: nothing leaves."""
        expired = 0
        while expired < BATCH and self._expire_one():
            expired += 1
        return expired

    def _next(self) -> Stored | None:
        """The oldest held letter, with its address: what the gate must be asked about."""
        with self._database.transaction() as session:
            letter = session.scalar(_oldest().with_only_columns(HeldRow.letter))
            return None if letter is None else letters.find(session, letter)

    def _settle(self, stored: Stored) -> bool:
        """Whether this worker settled the letter, and not another. Raises `GateClosedError`."""
        return self._gate.asking_again(lambda final: self._pass(stored, final=final))

    def _pass(self, stored: Stored, *, final: bool) -> bool:
        address = stored.address
        with self._gate.open(Question(address, address.sender, address.device)) as opening:
            if not _claim(opening.session, stored.letter.id):
                return False
            reasons = self._write(opening, stored, final=final)
            failpoints.reach("held.before_commit")
        failpoints.reach("held.after_commit")
        if reasons:
            outcomes.tell_refused(address.letter, reasons)
        else:
            outcomes.tell("released", address.letter)
        for recipient in address.recipients:
            self._notifier.notify("mailbox", str(recipient))
        self._notifier.notify("outbox")
        return True

    def _write(self, opening: Opening, stored: Stored, *, final: bool) -> list[str]:
        """Write what was decided; the reasons of refusals, none where it was released."""
        address, now = opening.question.letter, self._clock.now()
        refusals = opening.refusals(address.recipients, final=final)
        if not refusals:
            release.release_held(opening.session, address, now)
            return []
        release.refuse(opening.session, address, refusals, now, opening.known)
        shown = {who: opening.told(each) for who, each in refusals.items()}
        release.refuse_held(opening.session, stored.letter, shown, now)
        return [each.reason.value for each in refusals.values()]

    def _expire_one(self) -> bool:
        with self._database.transaction() as session:
            now = self._clock.now()
            due = _oldest().where(HeldRow.expires_at <= now)
            held = session.scalar(due.with_for_update(skip_locked=True, of=HeldRow))
            if held is None:
                return False
            stored = letters.find(session, held.letter)
            assert stored is not None  # noqa: S101 - a foreign key says so
            release.expire_held(session, stored.letter, now)
            failpoints.reach("held.before_expire_commit")
        outcomes.tell("expired", stored.letter.id, "held-too-long")
        return True


def _oldest() -> Select[HeldRow]:
    return select(HeldRow).order_by(HeldRow.n).limit(1)


def _claim(session: Session, letter: UUID) -> bool:
    """Lock one held letter for this transaction; whether it is still held and nobody else is at it."""
    query = select(HeldRow.n).where(HeldRow.letter == letter).with_for_update(skip_locked=True)
    return session.scalar(query) is not None
