"""The gate: the one place where a letter may pass, at the send and again whenever its bytes are handed out.

Owns the transaction in which facts are read, a decision is made and its outcome is written, and the two things that
end it: a lease that lapses and a deadline that passes. Refuses to decide (`rules.py`) and to write (`release.py`,
`handout.py`).

The authorities acknowledge a revocation when this database has reported it applied, or when L + M has passed since
its commit. So a transaction here may begin only under a live lease whose number is applied, and must have ended
within M of its beginning: half of M is what our own clock allows up to the commit, and half is what PostgreSQL allows
between our last word and the commit, also when this process stands still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import failpoints, incarnation
from services.chassis.clock import Clock
from services.chassis.db import Database, DeadlineExceededError

from . import facts
from .facts import Known, Question
from .rules import Consent, Permit, Person, Refusal, decide

# The feeds that the gate follows: every one of them must be live for a letter to pass.
FEEDS = ("consent", "directory")


class GateClosedError(RuntimeError):
    """Nothing can be decided just now: `reason` is `lease-lapsed` or `deadline-passed`.

    Nothing of the transaction stands.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lease(Protocol):
    """What an authority granted: facts up to a number may be relied upon until an instant."""

    def live(self, clock: Clock) -> bool:
        """Whether the lease still stands by the clock that counts through sleep."""


class Leases(Protocol):
    """The leases of this process on one feed."""

    def usable(self, epoch: UUID, applied: int, incarnation: str | None) -> Lease | None:
        """The newest live lease, for this incarnation of the database, whose facts are all applied, or None."""


@dataclass(frozen=True)
class Opening:
    """One open transaction at the gate, with what was read in it."""

    session: Session
    question: Question
    known: Known
    clock: Clock
    leases: Sequence[Lease]
    ends: float

    def decide(self, recipient: UUID) -> Permit | Refusal:
        """The decision for one recipient of the letter, now."""
        return decide(self.known.about(self.question, recipient), self.clock.now())

    def check(self) -> None:
        """Raises `GateClosedError` unless the deadline and every lease still stand at this instant."""
        if self.clock.boottime() >= self.ends:
            raise GateClosedError("deadline-passed")
        if not all(lease.live(self.clock) for lease in self.leases):
            raise GateClosedError("lease-lapsed")

    @property
    def consent(self) -> Consent | None:
        """The consent that the letter cites, if it is known."""
        return self.known.consent

    @property
    def actor(self) -> Person | None:
        """Whoever acts, if the directory has told of them."""
        return self.known.people.get(self.question.actor)


def bounded(database: Database, seconds: float) -> Database:
    """The same database on connections where PostgreSQL ends whatever waits longer: for a statement, a lock, or us.

    Set once a connection rather than once a transaction, which would cost every letter a round trip; and by statements,
    for a pooler in between drops what only stands in the startup message. SQLite has no such bounds.
    """
    if not database.is_postgresql:
        return database
    bounds = {name: str(int(seconds * 1000)) for name in _BOUNDS}
    return Database(database.url.render_as_string(hide_password=False), pool_size=POOL_SIZE, session_settings=bounds)


_BOUNDS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
# As many again when they are needed: together the threads of a web process, each of which may be at the gate.
POOL_SIZE = 8


class Gate:
    """The gate of one process. `deadline` is M in seconds.

    `hold_while_sending` says whether a transaction may stay open, and share its rows, while a client takes a window
    of bytes. Where one writer is all a database has (SQLite) it may not: a slow client would stop every other letter.
    There the window goes out right after the transaction that decided on it.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        leases: Mapping[str, Leases],
        *,
        deadline: float,
        hold_while_sending: bool,
    ) -> None:
        self._database = bounded(database, deadline / 2)
        self.clock = clock
        self.hold_while_sending = hold_while_sending
        self._leases = leases
        self._half = deadline / 2

    def close(self) -> None:
        """Close the gate's own connections."""
        self._database.dispose()

    @contextmanager
    def open(self, question: Question) -> Iterator[Opening]:
        """One transaction at the gate: what the block writes is committed only if deadline and leases stand at its end.

        Raises `GateClosedError`, `DatabaseUnavailableError`.
        """
        with self.look(question) as opening:
            yield opening
            opening.session.flush()
            failpoints.reach("gate.before_commit")
            opening.check()
        failpoints.reach("gate.after_commit")

    @contextmanager
    def look(self, question: Question) -> Iterator[Opening]:
        """A transaction that writes nothing: whoever sends bytes on its word calls `check` right before they leave.

        Raises `GateClosedError`, `DatabaseUnavailableError`.
        """
        ends = self.clock.boottime() + self._half
        try:
            with self._database.transaction() as session:
                failpoints.reach("gate.before_read")
                known = facts.read(session, question)
                failpoints.reach("gate.after_read")
                yield Opening(session, question, known, self.clock, self._usable(session, known), ends)
        except DeadlineExceededError:
            raise GateClosedError("deadline-passed") from None

    def _usable(self, session: Session, known: Known) -> list[Lease]:
        leases, here = [], incarnation.of(session)
        for feed in FEEDS:
            epoch, applied = known.positions.get(feed, (None, 0))
            lease = None if epoch is None else self._leases[feed].usable(epoch, applied, here)
            if lease is None:
                raise GateClosedError("lease-lapsed")
            leases.append(lease)
        return leases
