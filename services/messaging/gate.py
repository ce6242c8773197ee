"""The gate: the one place where a letter may pass, at the send and again whenever its bytes are handed out.

Owns the transaction in which facts are read, a decision is made and its outcome is written, and the two things that
end it: a lease that lapses and a deadline that passes. Refuses to decide (`rules.py`) and to write (`release.py`,
`handout.py`).

What the directory told a moment ago may not have been heard here: nobody is refused for want of it before this process
has asked once more.

The authorities acknowledge a revocation when this database has reported it applied, or when L + M has passed since
its commit. So a transaction here may begin only under a live lease whose number is applied, and must have ended
within M of its beginning: half of M is what our own clock allows up to the commit, and half is what PostgreSQL allows
between our last word and the commit, also when this process stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import failpoints, incarnation
from services.chassis.clock import Clock
from services.chassis.db import Database, DeadlineExceededError

from . import facts, turns
from .bounds import bounded
from .facts import Known, Positions, Question
from .rules import Permit, Refusal, decide, told

# The feeds that the gate follows: every one of them must be live for a letter to pass.
FEEDS = ("consent", "directory")

T = TypeVar("T")


class GateClosedError(RuntimeError):
    """Nothing can be decided just now: `reason` is `lease-lapsed` or `deadline-passed`.

    Nothing of the transaction stands.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnheardError(RuntimeError):
    """What would be refused is refused for want of a fact that the directory may have told by now."""


class Lease(Protocol):
    """What an authority granted: facts up to a number may be relied upon until an instant."""

    def live(self, clock: Clock) -> bool:
        """Whether the lease still stands by the clock that counts through sleep."""


class Leases(Protocol):
    """The leases of this process on one feed."""

    def usable(self, epoch: UUID, applied: int, incarnation: str | None) -> Lease | None:
        """The newest live lease, for this incarnation of the database, whose facts are all applied, or None."""

    def catch_up(self) -> None:
        """Apply what the authority has told by now. When it does not answer, nothing changes."""


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
        check(self.clock, self.leases, self.ends)

    def refusals(self, recipients: Iterable[UUID], *, final: bool) -> dict[UUID, Refusal]:
        """What speaks against each of these recipients of the letter, now; nobody else is among them.

        Raises `UnheardError`, unless `final`, where a fact is missing that the directory may have told.
        """
        decided = {recipient: self.decide(recipient) for recipient in recipients}
        refused = {who: each for who, each in decided.items() if isinstance(each, Refusal)}
        if not final and any(each.unheard for each in refused.values()):
            raise UnheardError
        return refused

    def told(self, refusal: Refusal) -> Refusal:
        """What whoever acts may learn of a refusal."""
        letter, actor = self.question.letter, self.question.actor
        principal = letter.on_behalf_of if actor == letter.sender else None
        delegator = None if principal is None else self.known.people.get(principal)
        return told(refusal, self.known.consent, self.known.people.get(actor), delegator)


def check(clock: Clock, leases: Sequence[Lease], ends: float) -> None:
    """Raises `GateClosedError` unless the deadline `ends` and every lease still stand at this instant."""
    if clock.boottime() >= ends:
        raise GateClosedError("deadline-passed")
    if not all(lease.live(clock) for lease in leases):
        raise GateClosedError("lease-lapsed")


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

    def asking_again(self, attempt: Callable[[bool], T]) -> T:
        """What `attempt` comes to. It is told whether its word is final, and may raise `UnheardError` when it is not:
        then the directory is asked for what it has told since, and the second word is final.
        """
        try:
            return attempt(False)
        except UnheardError:
            self._leases["directory"].catch_up()
            return attempt(True)

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
                yield Opening(session, question, known, self.clock, self._usable(session, known.positions), ends)
        except DeadlineExceededError:
            raise GateClosedError("deadline-passed") from None

    @contextmanager
    def reading(self, reader: UUID) -> Iterator[Session]:
        """A transaction for what only those may see who are what the directory says they are: nothing that was read in
        it is shown unless its leases and its deadline stand at the end. Whoever reads on and on does not keep a change
        of themselves waiting: it takes its turn.

        Raises `GateClosedError`, `DatabaseUnavailableError`.
        """
        ends = self.clock.boottime() + self._half
        try:
            with self._database.transaction() as session:
                turns.share(session, [reader])
                leases = self._usable(session, facts.positions(session))
                yield session
                check(self.clock, leases, ends)
        except DeadlineExceededError:
            raise GateClosedError("deadline-passed") from None

    def _usable(self, session: Session, positions: Positions) -> list[Lease]:
        leases, here = [], incarnation.of(session)
        for feed in FEEDS:
            epoch, applied = positions.get(feed, (None, 0))
            lease = None if epoch is None else self._leases[feed].usable(epoch, applied, here)
            if lease is None:
                raise GateClosedError("lease-lapsed")
            leases.append(lease)
        return leases
