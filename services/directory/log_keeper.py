"""The key log's upkeep, in the worker: its newest checkpoint is fresh and cosigned, and no entry is unlogged.

Owns when the log speaks anew and when its witnesses are asked. Refuses to wait for a witness: one that is silent is
noted and measured, and asked again in a while; nothing depends on it here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import httpx
from sqlalchemy import delete

from services.chassis import logs, outbox
from services.chassis.db import DatabaseUnavailableError, DeadlineExceededError
from services.chassis.questions import Question, answers
from services.chassis.turn import Turn

from . import checkpoints, key_log
from .deps import Deps
from .key_tree import TREE
from .models import KeyWitnessRow
from .witnesses import Trouble, Witness, WitnessError

# How long a new leaf may wait for its witnesses where its ring was not heard.
LOOK_SECONDS = 2.0
# For all witnesses together; whoever takes longer is heard the next time.
WITNESSES_SECONDS = 15.0


@dataclass(frozen=True)
class _Asked:
    """What a witness is asked: to cosign `note`, a checkpoint of `size` leaves; it is believed to know `old`."""

    note: str
    size: int
    old: int


class Keeper:
    """Keeps one log. `transport` replaces the network to the witnesses."""

    def __init__(self, deps: Deps, transport: httpx.BaseTransport | None = None) -> None:
        self._deps = deps
        named = deps.settings.named_witnesses()
        self._witnesses = [Witness(key, prefix, transport) for key, prefix in named]
        self._questions = [Question(lambda each=each: self._ask(each)) for each in self._witnesses]  # type: ignore[misc]
        self._due = float("-inf")
        self._asked_of = -1

    def run(self, stop: threading.Event) -> None:
        """Keep it until told to stop. Of several workers one does."""
        turn = Turn(self._deps.database, "key log")
        try:
            with self._deps.notifier.listening(outbox.CHANNEL) as bell:
                while not stop.is_set():
                    if turn.mine():
                        self._look()
                    bell.wait(LOOK_SECONDS)
        finally:
            turn.release()

    def _look(self) -> None:
        try:
            self.keep()
        except (DatabaseUnavailableError, DeadlineExceededError) as error:
            logs.logger("key_log").warning("keeper waits", error=type(error).__name__)

    def keep(self) -> None:
        """Do what is due: renew, log what was recorded without a leaf, ask the witnesses of what they have not seen.

        Raises `AlteredKeyLogError`: nothing is signed then.
        """
        now, due = self._deps.clock.boottime(), self._deps.clock.boottime() >= self._due
        if due:
            checkpoints.renew(self._deps)  # first: whatever fails after it, the log is not silent
            while key_log.log_late(self._deps):
                pass
            self._forget_former()
            self._due = now + self._deps.settings.log_fresh_seconds
        with self._deps.database.transaction() as session:
            size = TREE.size(session)
        if due or size != self._asked_of:
            self._asked_of = size
            answers(self._questions, WITNESSES_SECONDS)

    def _ask(self, witness: Witness) -> None:
        asked = self._question(witness)
        try:
            line = witness.cosign(asked.note, asked.old, lambda old: self._proof(old, asked.size))
        except WitnessError as error:
            self._note(witness, None, error.trouble)
            logs.logger("key_log").warning("not cosigned", peer=witness.key.name, reason=str(error.trouble))
            return
        checkpoints.add_cosignature(self._deps, asked.size, line)
        self._note(witness, asked.size, None)

    def _question(self, witness: Witness) -> _Asked:
        note = checkpoints.newest(self._deps)
        said = self._deps.log_key.checkpoint(note)
        assert said is not None  # noqa: S101 - this key has just signed it
        with self._deps.database.transaction() as session:
            row = session.get(KeyWitnessRow, witness.key.encode())
            if row is None:
                row = KeyWitnessRow(key=witness.key.encode(), name=witness.key.name, size=0)
                row.since = self._deps.clock.now()
                session.add(row)
            # What it knew of a log that has been rolled back since is more than there is.
            return _Asked(note, said.size, min(row.size, said.size))

    def _proof(self, old: int, size: int) -> list[bytes]:
        with self._deps.database.transaction() as session:
            return TREE.consistency(session, old, size)

    def _note(self, witness: Witness, size: int | None, trouble: Trouble | None) -> None:
        with self._deps.database.transaction() as session:
            row = session.get_one(KeyWitnessRow, witness.key.encode())
            row.trouble = trouble
            if size is not None:
                row.size, row.cosigned_at = size, self._deps.clock.now()

    def _forget_former(self) -> None:
        """Nobody is asked any more who is not named in the settings, and nobody misses them."""
        with self._deps.database.transaction() as session:
            named = [witness.key.encode() for witness in self._witnesses]
            session.execute(delete(KeyWitnessRow).where(KeyWitnessRow.key.not_in(named)))
