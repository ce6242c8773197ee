"""Whatever crashes, lags or is cut off: nothing is released after an acknowledged revocation.

Hypothesis writes stories out of the steps in `feed_story.py`: changes, questions, lost and repeated and reordered
events, lost and late answers on whose way other things happen, clocks that run apart, times of day that jump,
crashes between any two steps, restarts, new epochs and restores. The promise is checked at every release, the order
of what is applied after every step, and at the end everything must come right by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.chassis import failpoints
from tests.unit.chassis.feed_story import AUTHORITY_POINTS, FOLLOWER_POINTS, World

process = st.integers(0, 1)
which = st.integers(0, 7)
# Short ones meet deadlines, middle ones leases and the barrier, the long one whoever is forgotten.
seconds = st.sampled_from([0.2, 0.9, 1.0, 1.05, 2.0, 4.0, 5.1, 6.15, 6.5])
# What may happen while a question or an answer is on its way.
meanwhile = st.lists(st.tuples(st.integers(0, 7), which, seconds), max_size=3)


Happenings = Sequence[tuple[int, int, float]]


class Story(RuleBasedStateMachine):
    """One world, and what happens in it."""

    @initialize(time_bounded=st.sampled_from([True, True, False]))
    def begin(self, time_bounded: bool) -> None:
        self.world = World(time_bounded=time_bounded)
        self.world.give()
        self.world.renew(self.world.processes[0])

    @rule()
    def give(self) -> None:
        self.world.give()

    @rule(which=which)
    def revoke(self, which: int) -> None:
        self.world.revoke(which)

    @rule(which=which)
    def ask(self, which: int) -> None:
        self.world.ask(which)

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule(which=which, again=st.booleans())
    def deliver(self, which: int, again: bool) -> None:
        self.world.deliver(which, again=again)

    @rule(which=which)
    def lose(self, which: int) -> None:
        if self.world.bus:
            self.world.bus.pop(which % len(self.world.bus))

    @rule(
        process=process,
        before=meanwhile,
        after=meanwhile,
        during=meanwhile,
        lost=st.sampled_from(["", "", "", "question", "answer"]),
    )
    def renew(self, process: int, before: Happenings, after: Happenings, during: Happenings, lost: str) -> None:
        """A process asks; `during` is what happens while it reads a snapshot, if it is sent for one."""
        way = self.world.way
        way.before, way.after = lambda: self._meanwhile(before), lambda: self._meanwhile(after)
        way.during = lambda: self._meanwhile(during)
        way.lose_question, way.lose_answer = lost == "question", lost == "answer"
        self.world.renew(self.world.processes[process])
        way.reset()

    @rule(process=process, which=which)
    def open_gate(self, process: int, which: int) -> None:
        self.world.open_gate(self.world.processes[process], which)

    @rule(process=process)
    def close_gate(self, process: int) -> None:
        self.world.close_gate(self.world.processes[process])

    @rule(process=process, which=which, wait=seconds)
    def release(self, process: int, which: int, wait: float) -> None:
        """A release from beginning to end; a slow one may be overtaken by its deadline."""
        self.world.open_gate(self.world.processes[process], which)
        self.world.pass_(wait)
        self.world.ask(which)
        self.world.close_gate(self.world.processes[process])

    @rule(seconds=seconds)
    def pass_(self, seconds: float) -> None:
        self.world.pass_(seconds)

    @rule(seconds=st.sampled_from([-86400.0, -3.7, 3.7, 86400.0]))
    def jump(self, seconds: float) -> None:
        self.world.jump(seconds)

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule(process=process)
    def crash(self, process: int) -> None:
        self.world.crash(self.world.processes[process])

    @rule(point=st.sampled_from(AUTHORITY_POINTS + FOLLOWER_POINTS))
    def arm(self, point: str) -> None:
        """Whoever comes to this point next dies there."""
        failpoints.disarm()
        failpoints.arm({point: "raise"})

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule()
    def begin_epoch(self) -> None:
        self.world.begin_epoch()

    @rule()
    def back_up(self) -> None:
        self.world.back_up()

    @rule(by_the_book=st.booleans(), afresh=st.booleans())
    def restore(self, by_the_book: bool, afresh: bool) -> None:
        self.world.restore(by_the_book=by_the_book, afresh=afresh)

    @invariant()
    def nothing_is_skipped_or_undone(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        failpoints.disarm()
        if hasattr(self, "world"):
            self.world.heal()
            self.world.authority.database.dispose()
            self.world.follower.database.dispose()

    def _meanwhile(self, steps: Happenings) -> None:
        world = self.world
        for kind, which, seconds in steps:
            happenings = (
                lambda: world.pass_(seconds),
                lambda: world.revoke(which),
                lambda: world.ask(which),
                lambda: world.renew(world.processes[which % 2]),
                lambda: world.open_gate(world.processes[which % 2], which),
                lambda: world.close_gate(world.processes[which % 2]),
                lambda: world.deliver(which, again=True),
                lambda: world.begin_epoch(),
            )
            happenings[kind]()


Story.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestStory = Story.TestCase
