"""Whatever crashes, lags or is cut off: nothing is released after an acknowledged revocation.

Hypothesis writes stories out of the steps in `feed_story.py`: changes, questions, lost and repeated and reordered
events, lost and late answers on whose way other things happen, clocks that run apart, times of day that jump,
crashes between any two steps, restarts, new epochs and restores. After every step nothing that was acknowledged may
be releasable, and nothing skipped or undone; at the end everything must come right by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.chassis import failpoints
from tests.unit.chassis.feed_story import POINTS, World

process = st.integers(0, 1)
which = st.integers(0, 7)
# Short ones for deadlines, then a lease, and both sides of lease and deadline together; more of what acknowledges.
seconds = st.sampled_from([6.5, 0.3, 1.0, 4.0, 5.0, 6.0, 6.5])
# What may happen while a question or an answer is on its way, or a snapshot is read.
Happenings = Sequence[tuple[int, int, float]]
meanwhile: st.SearchStrategy[Happenings] = st.one_of(
    st.just([]), st.just([(0, 0, 6.5)]), st.lists(st.tuples(st.integers(0, 5), which, seconds), max_size=2)
)


class Story(RuleBasedStateMachine):
    """One world, and what happens in it."""

    @initialize(time_bounded=st.sampled_from([True, True, False]))
    def begin(self, time_bounded: bool) -> None:
        self.world = World(time_bounded=time_bounded)
        self.world.renew(0)
        self.world.renew(1)

    @rule()
    def give(self) -> None:
        self.world.give()
        self.world.deliver(-1, again=True)

    @rule(which=which, seconds=seconds)
    def revoke(self, which: int, seconds: float) -> None:
        self.world.revoke_and_wait(which, seconds)

    @rule(seconds=seconds, which=which)
    def wait(self, seconds: float, which: int) -> None:
        self.world.wait(seconds, which)

    @rule(which=which, again=st.booleans())
    def deliver(self, which: int, again: bool) -> None:
        self.world.deliver(which, again=again)

    @rule(process=process, applies=st.booleans())
    def renew(self, process: int, applies: bool) -> None:
        self.world.renew(process, applies=applies)

    @rule(process=process, before=meanwhile, after=meanwhile, lost=st.sampled_from(["", "", "", "question", "answer"]))
    def renew_slowly(self, process: int, before: Happenings, after: Happenings, lost: str) -> None:
        """Much happens on the way."""
        way = self.world.way
        way.before, way.after = lambda: self._meanwhile(before), lambda: self._meanwhile(after)
        way.lose_question, way.lose_answer = lost == "question", lost == "answer"
        self.world.renew(process)
        way.reset()

    @rule(process=process, during=meanwhile)
    def follow_a_new_epoch(self, process: int, during: Happenings) -> None:
        """Much happens while the snapshot is read."""
        self.world.begin_epoch()
        self.world.way.during = lambda: self._meanwhile(during)
        self.world.renew(process)
        self.world.way.reset()

    @rule(point=st.sampled_from(POINTS))
    def arm(self, point: str) -> None:
        """Whoever comes to this point next dies there."""
        failpoints.disarm()
        failpoints.arm({point: "raise"})

    @rule(kind=st.integers(0, 6), which=which, seconds=seconds, follows=st.booleans(), before=st.booleans())
    def trouble(self, kind: int, which: int, seconds: float, follows: bool, before: bool) -> None:
        """What befalls a machine or a database, often right after a lease; a revocation comes before it or after."""
        world = self.world
        if follows:
            world.renew(which % 2)
        if before:
            world.revoke_and_wait(which, 0.3)
        self._befall(kind, which)
        if not before:
            world.revoke_and_wait(which, seconds)
        world.ask()

    @rule(which=which, seconds=seconds, follows=st.booleans(), by_the_book=st.booleans(), afresh=st.booleans())
    def restore(self, which: int, seconds: float, follows: bool, by_the_book: bool, afresh: bool) -> None:
        """The authority goes back, often right after a lease, and a revocation comes right after."""
        if follows:
            self.world.renew(which % 2)
        self.world.restore(which, by_the_book=by_the_book, afresh=afresh)
        self.world.revoke_and_wait(which, seconds)

    @rule(which=which, seconds=seconds)
    def lose_a_revocation(self, which: int, seconds: float) -> None:
        """Later the same number is given again."""
        self.world.lose_a_revocation(which, seconds)
        self.world.wait(6.5)
        self.world.renew(which % 2)
        self.world.revoke_and_wait(which, seconds)

    @invariant()
    def the_promise_is_kept(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        failpoints.disarm()
        if hasattr(self, "world"):
            self.world.heal()

    def _befall(self, kind: int, which: int) -> None:
        world = self.world
        troubles: tuple[Callable[[], object], ...] = (
            lambda: world.jump((which - 4) * 1234.5),
            lambda: world.set_clocks_and_sweep(which * 86400.0),
            lambda: world.lose(which),
            lambda: world.crash(which % 2),
            world.restart,
            world.begin_epoch,
            world.back_up,
        )
        troubles[kind]()

    def _meanwhile(self, steps: Happenings) -> None:
        for kind, which, seconds in steps:
            self._happen(kind, which, seconds)

    def _happen(self, kind: int, which: int, seconds: float) -> None:
        world = self.world
        happenings: tuple[Callable[[], object], ...] = (
            lambda: world.revoke_and_wait(which, seconds),
            lambda: world.wait(seconds, which),
            lambda: world.renew(which % 2),
            lambda: world.deliver(which, again=True),
            world.settle,
            world.begin_epoch,
        )
        happenings[kind]()


def _settings(stories: int) -> settings:
    trouble = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(max_examples=stories, stateful_step_count=25, deadline=None, suppress_health_check=trouble)


TestStory = Story.TestCase
TestStory.settings = _settings(40)


@pytest.mark.long
def test_many_more_stories() -> None:
    run_state_machine_as_test(Story, settings=_settings(200))
