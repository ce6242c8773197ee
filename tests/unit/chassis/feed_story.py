"""A world for the stateful test: one authority, one follower with two processes, a bus and ways that fail.

Owns what can happen, and the model of what must hold. Refuses to look into the code under test: it asks what a gate
would ask, and believes the authority's acknowledgements as a patient would.

Time is true time; each machine's clock runs at a rate of its own, 5 % apart, from a beginning of its own. Nobody has
to open a gate at the right moment for a fault to show: at every moment the model opens one for every consent that
either process would let pass, and keeps it open as long as it may be.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from services.chassis import failpoints
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.peer_http import PeerUnavailableError
from tests.fakes import FakeClock
from tests.unit.chassis.feed_story_parts import (
    AUTHORITY,
    FOLLOWER,
    Copy,
    Model,
    Process,
    StoryWay,
    connection_of,
    emptied,
)
from tests.unit.chassis.two_sides import DEADLINE_SECONDS, Authority, Follower, RowSharedError

# The authority's clock is fast and the follower's slow: just under what the margin of 5 % allows for.
AUTHORITY_RATE, FOLLOWER_RATE = 1.024, 0.976
# How often the model opens gates while time passes.
MOMENT = 0.05
# Where a process may die: every point of the feeds, the leases and the barrier.
POINTS = (
    "feed.after_append",
    "feed.before_grant_commit",
    "feed.after_grant_commit",
    "barrier.before_persist",
    "barrier.after_persist",
    "projection.before_commit",
    "projection.after_commit",
    "projection.before_snapshot_commit",
    "projection.after_snapshot_commit",
    "lease.before_send",
    "lease.after_send",
    "lease.after_keep",
)


class World:
    """Everything that can happen, as plain steps."""

    def __init__(self, *, time_bounded: bool) -> None:
        self.authority_clock = FakeClock()
        self.authority = Authority(emptied(AUTHORITY), self.authority_clock)
        self.follower = Follower(emptied(FOLLOWER), time_bounded=time_bounded)
        self.way = StoryWay(self.authority, self.note)
        self.model = Model()
        self.bus: list[Event] = []
        self.copies: list[Copy] = []
        self.made = 0
        self.processes = [self._process(1), self._process(2)]
        for _ in range(4):
            self.give()
        self.back_up()  # from before anybody followed

    # The authority

    def give(self) -> None:
        """A consent comes into force."""
        self.made += 1
        self._change(f"c{self.made}", "active")

    def revoke(self, which: int) -> None:
        """A consent that is in force is revoked; where there is none, there will be one."""
        active = sorted(each for each, status in self.model.consents.items() if status == "active")
        if active:
            self._change(active[which % len(active)], "revoked")
        else:
            self.give()

    def ask(self, which: int = 0) -> None:
        """Somebody asks whether one of the last revocations is effective."""
        last = sorted(self.model.revocations, reverse=True)[:2]
        if last:
            self._authority_does(lambda: self.authority.holds(last[which % len(last)]))
            self._hear()

    def settle(self) -> None:
        """The worker's round."""
        self._authority_does(self.authority.barrier.settle_pending)
        self._hear()

    def set_clocks_and_sweep(self, seconds: float) -> None:
        """The worker forgets who is gone, before and after somebody sets the time of day."""
        self.authority.feed.forget_the_gone()
        self.jump(seconds)
        self.authority.feed.forget_the_gone()

    def restart(self) -> None:
        """The authority's processes start afresh."""
        self.authority.start()

    def begin_epoch(self) -> None:
        """The operator's word after a fail-over, though nothing was lost."""
        self.authority.feed.new_epoch()
        self.note()

    def back_up(self) -> None:
        """A copy of the authority's database is made."""
        body = connection_of(self.authority.database).serialize()
        self.copies.append(Copy(body, dict(self.model.consents), dict(self.model.revocations)))

    def lose_a_revocation(self, which: int, seconds: float) -> None:
        """It came after the last backup."""
        self.back_up()
        self.revoke_and_wait(which, seconds)
        self.restore(-1, by_the_book=True, afresh=False)
        self.settle()

    def restore(self, which: int, *, by_the_book: bool, afresh: bool) -> None:
        """The authority goes back to one of its copies, under processes that live on or that start `afresh`.

        By the book it begins a new epoch. Otherwise a follower that is ahead must make it notice. A follower whom time
        does not bound, and of whom the copy may know nothing, is stopped meanwhile (embedded, all are one process).
        """
        if not self.follower.time_bounded:
            self.crash(0)
            self.crash(1)
        epoch, applied = self.follower.mark()
        copy = self.copies[which % len(self.copies)]
        connection_of(self.authority.database).deserialize(copy.body)
        self._forget_what_was_lost(copy)
        if afresh:
            self.authority.start()
        stands, number = self.authority.mark()
        if not by_the_book and epoch == stands and applied > number:
            # Before anything else is numbered: what happens otherwise no protocol can tell.
            self.way.reset()
            failpoints.disarm()
            self.renew(0)
            assert self.authority.mark()[0] != stands, "it did not notice"
        else:
            self.begin_epoch()

    # The follower

    def deliver(self, which: int, *, again: bool) -> None:
        """An event arrives from the bus, whichever it is; it may arrive again later."""
        if self.bus:
            place = which % len(self.bus)
            event = self.bus[place] if again else self.bus.pop(place)
            self._follower_does(self.processes[which % 2], lambda: self.follower.take(event))

    def lose(self, which: int) -> None:
        """The bus loses an event."""
        if self.bus:
            self.bus.pop(which % len(self.bus))

    def renew(self, which: int, *, applies: bool = True) -> None:
        """A process asks for a lease, and does all that follows from the answer, if its database lets it."""
        process = self.processes[which]
        self.follower.refused = set() if applies else {f"c{number}" for number in range(1, 99)}
        self._follower_does(process, process.holder.renew)
        self.follower.refused = set()

    def crash(self, which: int) -> None:
        """A process dies: its leases are gone, and its transactions are rolled back."""
        self.processes[which] = self._process(which + 1)

    # Time

    def pass_(self, seconds: float) -> None:
        """True time passes, and every clock goes on at its own rate."""
        known, mark = self.follower.known(), self.follower.mark()
        self._open_gates(known, mark)
        for _ in range(round(seconds / MOMENT)):
            self.authority_clock.advance(MOMENT * AUTHORITY_RATE)
            for process in self.processes:
                process.clock.advance(MOMENT * FOLLOWER_RATE)
            self._open_gates(known, mark)

    def revoke_and_wait(self, which: int, seconds: float) -> None:
        """Whoever revokes asks at once, and again after a while."""
        self.revoke(which)
        self.ask()
        self.wait(seconds)

    def wait(self, seconds: float, which: int = 0) -> None:
        """Somebody asks again after a while."""
        self.pass_(seconds)
        self.ask(which)

    def jump(self, seconds: float) -> None:
        """Somebody sets the time of day on every machine."""
        for clock in (self.authority_clock, *(each.clock for each in self.processes)):
            clock.jump(seconds)

    # What must hold

    def check(self) -> None:
        """Nothing acknowledged can be released, nothing was skipped, and what was once stopped stays stopped."""
        known, (epoch, applied) = self.follower.known(), self.follower.mark()
        self._open_gates(known, (epoch, applied))
        for process in self.processes:
            assert not self.model.acknowledged & set(process.gates), "released after an acknowledged revocation"
        revoked = {each for each, status in known.items() if status == "revoked"}
        assert self.model.stopped <= revoked, "a revocation was undone"
        self.model.stopped |= revoked
        if epoch is not None:
            for consent, status in self.model.timeline[epoch, applied].items():
                expected = "revoked" if consent in self.model.stopped else status
                assert known.get(consent) == expected, "a change was skipped"

    def heal(self) -> None:
        """Every failure ends; then everything is applied and can be used, and every change is effective."""
        failpoints.disarm()
        self.way.reset()
        for seconds in (7.0, 0.0):
            self.renew(0)
            self.renew(1)
            self.settle()
            self.pass_(seconds)
        self.check()
        assert self.follower.mark() == self.authority.mark(), "not everything was applied"
        assert self.authority.effective() == [each.sequence for each in self.authority.events()], "not settled"
        for process in self.processes:
            assert process.holder.usable(*self.authority.mark()), "the gate stays closed"

    def note(self) -> None:
        """What the authority says at this epoch and number."""
        self.model.timeline[self.authority.mark()] = dict(self.model.consents)

    def _open_gates(self, known: dict[str, str], mark: tuple[UUID | None, int]) -> None:
        """Begin every release that can begin now; end those whose deadline is over.

        A change of a consent waits for the gates that share its row: where it is applied, they have ended.
        """
        active = {each for each, status in known.items() if status == "active"}
        for process in self.processes:
            now = process.clock.boottime()
            bounded = self.follower.time_bounded
            process.gates = {
                each: ends for each, ends in process.gates.items() if each in active and (ends >= now or not bounded)
            }
            if mark[0] is not None and process.holder.usable(mark[0], mark[1]):
                process.gates |= dict.fromkeys(active, now + DEADLINE_SECONDS)

    def _process(self, number: int) -> Process:
        clock = FakeClock()
        clock.advance(777.0 * number)
        return Process(self.follower.process(self.way, clock), clock)

    def _change(self, consent: str, status: str) -> None:
        write = self.authority.give if status == "active" else self.authority.revoke
        if self._authority_does(lambda: write(consent)):
            event = self.authority.last()
            self.bus.append(event)
            self.model.consents[consent] = status
            if status == "revoked":
                self.model.revocations[event.sequence or 0] = consent
            self.note()

    def _hear(self) -> None:
        """Believe what is written down as effective."""
        effective = self.authority.effective()
        self.model.acknowledged |= {self.model.revocations[n] for n in effective if n in self.model.revocations}
        self.check()

    def _forget_what_was_lost(self, copy: Copy) -> None:
        """A revocation that the authority forgot and the follower never heard of is in no database any more."""
        kept = {each for each, status in copy.consents.items() if status == "revoked"} | self.model.stopped
        self.model.consents = dict(copy.consents)
        self.model.revocations = dict(copy.revocations)
        self.model.acknowledged &= kept

    def _authority_does(self, step: Callable[[], object]) -> bool:
        """Whether it lived to the end of the step."""
        try:
            step()
        except FailpointReachedError:
            failpoints.disarm()
            self.authority.start()
            return False
        return True

    def _follower_does(self, process: Process, step: Callable[[], object]) -> None:
        try:
            step()
        except FailpointReachedError:
            failpoints.disarm()
            if process in self.processes:
                self.crash(self.processes.index(process))
        except (PeerUnavailableError, RowSharedError):
            pass
