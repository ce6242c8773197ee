"""Handing a sealed letter out: through the gate, window by window.

Owns the order of a hand-out. The first transaction at the gate decides and records that the letter was fetched; then
each window of the body goes out only under a decision of its own. Refuses to send a window when the clock, right
before it leaves, says that the deadline or a lease has passed: the stream ends short, and the recipient's client sees
that.

On PostgreSQL a window leaves while its transaction shares the rows that it was decided on, so a revocation waits for
it, at most for the deadline. On SQLite the transaction ends first (see `Gate.hold_while_sending`). What remains in
either case is what was already given to the connection: at most one window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.address import parse_address
from sqlalchemy import LargeBinary, bindparam, func, select, update

from services.chassis import failpoints
from services.chassis.auth import Caller
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.problems import Problem, not_found
from services.chassis.upload import CHUNK_BYTES
from services.chassis.wake import Notifier

from . import account, outcomes, release
from .events import Fact, letter_event
from .facts import Question
from .gate import Gate, GateClosedError, Opening
from .models import ChunkRow, DeliveryRow, LetterRow
from .refusals import refusal_problem
from .rules import Refusal, State

# What may still arrive after a revocation is one window; a smaller one would make large letters slow.
WINDOW_BYTES = 64 * 1024


class HandoutEndedError(RuntimeError):
    """The rest of a letter may not leave: the connection is closed before the announced length."""


@dataclass(frozen=True)
class Sealed:
    """What a hand-out needs of a letter: the gate's question and the place of its bytes."""

    question: Question
    line: bytes
    upload: UUID
    size: int

    @property
    def head(self) -> bytes:
        """What stands before the age file."""
        return self.line + b"\n"


class Handout:
    """Hands letters out."""

    def __init__(self, database: Database, clock: Clock, notifier: Notifier, gate: Gate) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._gate = gate

    def fetch(self, caller: Caller, letter: UUID) -> tuple[int, Iterator[bytes]]:
        """The size of a letter's body and its windows, once the gate has passed it and that is recorded.

        Raises problem 404, 410 `letter-deleted`, 403 (the gate's reason), `GateClosedError`. The iterator raises
        `HandoutEndedError` where it must stop.
        """
        sealed = self._find(caller, letter)
        self._gate.asking_again(lambda final: self._admit(sealed, final=final))
        failpoints.reach("handout.after_record")
        return sealed.size, self._windows(sealed)

    def _admit(self, sealed: Sealed, *, final: bool) -> None:
        """Through the gate, and recorded. Raises problem 403, 410, `GateClosedError`, `UnheardError` unless `final`."""
        letter, reader = sealed.question.letter, sealed.question.actor
        with self._gate.open(sealed.question) as opening:
            refusals, now = opening.refusals([reader], final=final), self._clock.now()
            if refusals:
                release.refuse(opening.session, letter, refusals, now, opening.known)
                told_others = True
            else:
                _check_kept(opening)
                told_others = self._record(opening, now)
        if told_others:
            self._notifier.notify("outbox")
        for refusal in refusals.values():
            outcomes.tell("handout-refused", letter.letter, refusal.reason.value)
            raise refusal_problem({reader: opening.told(refusal)})
        outcomes.tell("handed-out", letter.letter)

    def _find(self, caller: Caller, letter: UUID) -> Sealed:
        with self._database.transaction() as session:
            row = (
                session.connection()
                .execute(_FIND, {"letter_id": letter, "reader": caller.practitioner, "released": State.RELEASED.value})
                .one_or_none()
            )
        if row is None:
            raise not_found("letter")
        if row.deleted_at is not None:
            raise _deleted()
        question = Question(parse_address(row.address), caller.practitioner, caller.device)
        return Sealed(question, row.address, row.upload, row.size)

    def _record(self, opening: Opening, now: datetime) -> bool:
        """Whether this was the first hand-out, which is the one that counts and the one that is told."""
        address, recipient = opening.question.letter, opening.question.actor
        values = {"letter_id": address.letter, "reader": recipient, "now": now}
        fetched = opening.session.connection().execute(_FETCHED, values)
        if fetched.rowcount == 0:
            return False
        handed_out = letter_event(Fact.HANDED_OUT, address, recipient, now)
        account.disclose(opening.session, address.patient, [handed_out])
        return True

    def _windows(self, sealed: Sealed) -> Iterator[bytes]:
        start = 0
        while start < sealed.size:
            for window in self._window(sealed, start):
                yield window
                start += len(window)

    def _window(self, sealed: Sealed, start: int) -> Iterator[bytes]:
        """One window, decided on afresh. Raises `HandoutEndedError`."""
        left = False
        try:
            with self._gate.look(sealed.question) as opening:
                if _refusal(opening) is not None:
                    raise HandoutEndedError("refused on the way")
                window = _read(opening, sealed, start)
                if self._gate.hold_while_sending:
                    failpoints.reach("handout.before_window")
                    opening.check()
                    left = True
                    yield window
            if not left:
                failpoints.reach("handout.before_window")
                opening.check()
                left = True
                yield window
        except GateClosedError as closed:
            # A transaction that was ended while its window was on the way has done its work: the next window asks
            # again.
            if not left:
                raise HandoutEndedError(closed.reason) from None


def _refusal(opening: Opening) -> Refusal | None:
    decision = opening.decide(opening.question.actor)
    return decision if isinstance(decision, Refusal) else None


def _check_kept(opening: Opening) -> None:
    """Raises problem 410 when the bytes went since the letter was found. Retention passes over it from here on."""
    if opening.session.connection().execute(_KEPT, {"letter_id": opening.question.letter.letter}).scalar_one():
        raise _deleted()


def _deleted() -> Problem:
    return Problem(
        410,
        "letter-deleted",
        "Letter deleted",
        "The time for which letters are kept here is over, and this one's bytes are gone. Its sender has to seal the "
        "document anew and send it as a new letter.",
    )


def _read(opening: Opening, sealed: Sealed, start: int) -> bytes:
    """At most a window from `start` of the whole body; a window never spans two chunks.

    Chunks were cut from the whole body, so the first one is shorter by the head.
    """
    place, within = divmod(start, CHUNK_BYTES)
    head = sealed.head if place == 0 else b""
    length = min(WINDOW_BYTES, CHUNK_BYTES - within)
    prefix = head[within : within + length]
    values = {
        "upload_id": sealed.upload,
        "chunk_place": place,
        "begin": max(within - len(head), 0) + 1,
        "length": length - len(prefix),
    }
    body: bytes | None = opening.session.connection().execute(_WINDOW, values).scalar_one_or_none()
    if not body:
        raise HandoutEndedError("the body is shorter than it was")
    return prefix + bytes(body)


def _find_statement() -> Any:
    return (
        select(LetterRow.address, LetterRow.upload, LetterRow.size, LetterRow.deleted_at)
        .join(DeliveryRow, DeliveryRow.letter == LetterRow.id)
        .where(LetterRow.id == bindparam("letter_id"), DeliveryRow.recipient == bindparam("reader"))
        .where(DeliveryRow.state == bindparam("released"))
    )


def _window_statement() -> Any:
    window = func.substr(ChunkRow.body, bindparam("begin"), bindparam("length"), type_=LargeBinary())
    return select(window).where(ChunkRow.upload == bindparam("upload_id"), ChunkRow.place == bindparam("chunk_place"))


def _kept_statement() -> Any:
    return select(LetterRow.deleted_at).where(LetterRow.id == bindparam("letter_id")).with_for_update(read=True)


def _fetched_statement() -> Any:
    return (
        update(DeliveryRow)
        .where(DeliveryRow.letter == bindparam("letter_id"), DeliveryRow.recipient == bindparam("reader"))
        .where(DeliveryRow.fetched_at.is_(None))
        .values(fetched_at=bindparam("now"))
    )


_FIND = _find_statement()
_KEPT = _kept_statement()
_FETCHED = _fetched_statement()
_WINDOW = _window_statement()
