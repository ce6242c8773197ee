"""A world for the stateful test: one authority, one follower with two processes, a bus and two ways that fail.

Owns what can happen, and the model of what must hold. Refuses to look into the code under test: it asks what a gate
would ask, and believes the authority's acknowledgements as a patient would.

Time is true time; each machine's clock runs at a rate of its own, at most 5 % apart, from a beginning of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.chassis import failpoints
from services.chassis.db import Database
from services.chassis.failpoints import FailpointReachedError
from services.chassis.feed_messages import LeaseAnswer, LeaseRequest
from services.chassis.lease import LeaseHolder
from services.chassis.peer_http import PeerUnavailableError
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import DEADLINE_SECONDS, Authority, Follower, RowSharedError, Way

# The authority's clock is fast and the follower's slow: the worst that the margin of 5 % allows for.
AUTHORITY_RATE, FOLLOWER_RATE = 1.024, 0.976
# What stops a process in the midst of something; every point of the chassis' feed, bar none.
AUTHORITY_POINTS = (
    "feed.after_append",
    "feed.before_grant_commit",
    "feed.after_grant_commit",
    "barrier.before_persist",
    "barrier.after_persist",
)
FOLLOWER_POINTS = (
    "projection.before_commit",
    "projection.after_commit",
    "projection.before_snapshot_commit",
    "projection.after_snapshot_commit",
    "lease.before_send",
    "lease.after_send",
    "lease.after_keep",
)


@dataclass
class Open:
    """A transaction at the gate: a lease was usable and the consent in force when it began."""

    consent: str
    ends: float


@dataclass
class Process:
    """One process of the follower: its leases die with it."""

    holder: LeaseHolder
    clock: FakeClock
    gate: Open | None = None


@dataclass
class Copy:
    """A backup of the authority, with what the model knew of it."""

    body: bytes
    consents: dict[str, str]


@dataclass
class Model:
    """What is true, whoever knows it. `timeline` has the consents of the authority at each epoch and number."""

    consents: dict[str, str] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)
    timeline: dict[tuple[UUID, int], dict[str, str]] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)


class World:
    """Everything that can happen, as plain steps."""

    def __init__(self, *, time_bounded: bool) -> None:
        self.authority_clock = FakeClock()
        self.authority = Authority(Database("sqlite://"), self.authority_clock)
        self.follower = Follower(Database("sqlite://"), time_bounded=time_bounded)
        self.way = StoryWay(self)
        self.model = Model()
        self.bus: list[Any] = []
        self.copy: Copy | None = None
        self.made = 0
        self.processes = [self._process(1), self._process(2)]
        self.authority.feed.new_epoch()
        self._note()

    # The authority

    def give(self) -> None:
        """A consent comes into force."""
        self.made += 1
        self._change(f"c{self.made}", "active")

    def revoke(self, which: int) -> None:
        """A consent that is in force is revoked, if there is one."""
        active = sorted(each for each, status in self.model.consents.items() if status == "active")
        if active:
            self._change(active[which % len(active)], "revoked")

    def ask(self, which: int) -> None:
        """Somebody asks whether a change is effective."""
        latest = sorted(self.model.numbers, reverse=True)[:3]
        if latest and not self._authority_crashed(
            lambda: self.authority.barrier.effective(latest[which % len(latest)])
        ):
            self._hear()

    def settle(self) -> None:
        """The worker's round."""
        self._authority_crashed(self.authority.barrier.settle_pending)
        self._hear()

    def sweep(self) -> None:
        """The worker forgets who is gone."""
        self.authority.feed.forget_the_gone()

    def restart(self) -> None:
        """The authority's processes start afresh."""
        self.authority.start()

    def begin_epoch(self) -> None:
        """The operator's word after a fail-over, though nothing was lost."""
        self.authority.feed.new_epoch()
        self._note()

    def back_up(self) -> None:
        """A copy of the authority's database is made."""
        self.copy = Copy(_connection(self.authority.database).serialize(), dict(self.model.consents))

    def restore(self, *, by_the_book: bool, afresh: bool) -> None:
        """The authority goes back to its copy.

        By the book it begins a new epoch, whether or not its processes start `afresh`. Otherwise a follower that is
        ahead must make it notice.
        """
        if self.copy is None:
            return
        epoch, applied = self.follower.mark()
        _connection(self.authority.database).deserialize(self.copy.body)
        self._forget_what_was_lost(self.copy)
        if afresh:
            self.authority.start()
        if by_the_book or not (epoch == self.authority.mark()[0] and applied > self.authority.mark()[1]):
            self.begin_epoch()
            return
        self.authority.start()
        for process in self.processes:
            self.renew(process)  # before anything else is numbered: what happens otherwise no protocol can tell
        if self.authority.mark()[0] == epoch:
            self.begin_epoch()

    # The bus

    def deliver(self, which: int, *, again: bool) -> None:
        """An event arrives, whichever it is; it may arrive again later."""
        if self.bus:
            event = self.bus[which % len(self.bus)] if again else self.bus.pop(which % len(self.bus))
            self._follower_crashed(self.processes[which % 2], lambda: self.follower.take(event))

    # The follower

    def renew(self, process: Process) -> None:
        """A process asks for a lease, and does all that follows from the answer."""
        self._follower_crashed(process, process.holder.renew)

    def open_gate(self, process: Process, which: int) -> None:
        """A release begins, if the gate lets it."""
        epoch, applied = self.follower.mark()
        active = sorted(each for each, status in self.follower.known().items() if status == "active")
        if process.gate or epoch is None or not active or process.holder.usable(epoch, applied) is None:
            return
        process.gate = Open(active[which % len(active)], process.clock.boottime() + DEADLINE_SECONDS)
        self._share()

    def close_gate(self, process: Process) -> None:
        """The release commits, unless the deadline took it: this is where the promise is kept or broken."""
        if process.gate:
            assert process.gate.consent not in self.model.acknowledged, "released after an acknowledged revocation"
            process.gate = None
            self._share()

    def crash(self, process: Process) -> None:
        """A process dies: its leases are gone, and its transaction is rolled back."""
        if process in self.processes:
            index = self.processes.index(process)
            self.processes[index] = self._process(index + 1)
            self._share()

    # Time

    def pass_(self, seconds: float) -> None:
        """True time passes, and every clock goes on at its own rate."""
        self.authority_clock.advance(seconds * AUTHORITY_RATE)
        for process in self.processes:
            process.clock.advance(seconds * FOLLOWER_RATE)
            if process.gate and self.follower.time_bounded and process.clock.boottime() > process.gate.ends:
                process.gate = None
        self._share()

    def jump(self, seconds: float) -> None:
        """Somebody sets the time of day on every machine."""
        for clock in (self.authority_clock, *(each.clock for each in self.processes)):
            clock.jump(seconds)

    # What must hold

    def check(self) -> None:
        """Nothing was skipped, and what was once stopped stays stopped."""
        known = self.follower.known()
        revoked = {each for each, status in known.items() if status == "revoked"}
        assert self.model.stopped <= revoked, "a revocation was undone"
        self.model.stopped |= revoked
        epoch, applied = self.follower.mark()
        if epoch is None:
            return
        for consent, status in self.model.timeline[epoch, applied].items():
            expected = "revoked" if consent in self.model.stopped else status
            assert known.get(consent) == expected, "a change was skipped"

    def heal(self) -> None:
        """Every failure ends; then everything is applied, and every change is effective."""
        failpoints.disarm()
        self.way.reset()
        for process in self.processes:
            process.gate = None
        self._share()
        for _ in range(3):
            for process in self.processes:
                self.renew(process)
            self.settle()
            self.pass_(7.0)
        for process in self.processes:
            self.renew(process)
        self.check()
        assert self.follower.mark() == self.authority.mark(), "not everything was applied"
        assert self.authority.effective() == [each.sequence for each in self.authority.events()], "not settled"
        for process in self.processes:
            assert process.holder.usable(*self.authority.mark()), "the gate stays closed"

    def _process(self, number: int) -> Process:
        clock = FakeClock()
        clock.advance(777.0 * number)
        return Process(self.follower.process(self.way, clock), clock)

    def _change(self, consent: str, status: str) -> None:
        write = self.authority.give if status == "active" else self.authority.revoke
        if not self._authority_crashed(lambda: write(consent)):
            self.model.consents[consent] = status
            self.bus.append(self.authority.last())
            if status == "revoked":
                self.model.numbers[self.authority.mark()[1]] = consent
            self._note()

    def _note(self) -> None:
        """What the authority says at this epoch and number."""
        self.model.timeline[self.authority.mark()] = dict(self.model.consents)

    def _hear(self) -> None:
        """Believe what is written down as effective."""
        effective = set(self.authority.effective())
        self.model.acknowledged |= {each for number, each in self.model.numbers.items() if number in effective}

    def _forget_what_was_lost(self, copy: Copy) -> None:
        """Nobody can keep a revocation that no database has any more: the follower never heard, the authority forgot."""
        _, last = self.authority.mark()
        kept = {each for each, status in copy.consents.items() if status == "revoked"} | self.model.stopped
        self.model.consents = dict(copy.consents)
        self.model.numbers = {number: each for number, each in self.model.numbers.items() if number <= last}
        self.model.acknowledged &= kept

    def _authority_crashed(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except FailpointReachedError:
            failpoints.disarm()
            self.authority.start()
            return True
        return False

    def _follower_crashed(self, process: Process, step: Callable[[], object]) -> None:
        try:
            step()
        except FailpointReachedError:
            failpoints.disarm()
            self.crash(process)
        except (PeerUnavailableError, RowSharedError):
            pass

    def _share(self) -> None:
        self.follower.refused = {each.gate.consent for each in self.processes if each.gate}


class StoryWay(Way):
    """The way to the authority, on which other things happen, and which loses questions and answers."""

    def __init__(self, world: World) -> None:
        super().__init__(world.authority)
        self._world = world
        self.reset()

    def reset(self) -> None:
        """Nothing happens on the way, and nothing is lost."""
        self.before = self.after = self.during = _nothing
        self.lose_question = self.lose_answer = False

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        before, after, during, lost = self.before, self.after, self.during, (self.lose_question, self.lose_answer)
        self.reset()
        before()
        if lost[0]:
            raise PeerUnavailableError("consent")
        answer = self._grant(request)
        after()
        if lost[1]:
            raise PeerUnavailableError("consent")
        self.during = during
        return answer

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        during = self.during
        self.reset()
        with super().snapshot() as whole:
            during()
            yield whole

    def _grant(self, request: LeaseRequest) -> LeaseAnswer:
        known = self.authority.mark()
        try:
            answer = LeaseAnswer.model_validate_json(self.authority.feed.grant(request).model_dump_json())
        except FailpointReachedError:
            failpoints.disarm()
            self.authority.start()
            raise PeerUnavailableError("consent") from None
        if self.authority.mark() != known:
            self._world._note()  # it noticed that it had gone back
        return answer


def _nothing() -> None:
    pass


def _connection(database: Database) -> sqlite3.Connection:
    connection = database.engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
