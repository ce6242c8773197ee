"""The feed on PostgreSQL, where several transactions are open at once and only locks give them an order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from services.chassis import failpoints
from services.chassis.db import Database
from tests.unit.chassis.two_sides import (
    GIVEN,
    LONGEST,
    Authority,
    FeedEvent,
    FeedTable,
    Follower,
    Way,
    facts,
    lines,
    number_of,
)

POINT = uuid4()
CHANGES = 40


@pytest.fixture
def authority(fresh_postgresql: Callable[[], str]) -> Iterator[Authority]:
    database = Database(fresh_postgresql())
    yield Authority(database)
    failpoints.disarm()
    database.dispose()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


class Held:
    """A thread that is stopped at a failpoint until it is let go; only the first to come is."""

    def __init__(self, point: str) -> None:
        self.reached, self._go = threading.Event(), threading.Event()
        failpoints.arm({point: self._stop})

    def let_go(self) -> None:
        self._go.set()

    def _stop(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self._go.wait(60)


def blocked(asked: Future[Any]) -> bool:
    """Whether somebody still waits after as long as an answer could take."""
    return not wait_for([asked], timeout=0.4).done


def test_numbers_are_gap_free_in_the_order_of_the_commits(authority: Authority, threads: ThreadPoolExecutor) -> None:
    """At every instant the numbers that can be seen are 1 to n, whoever commits when."""
    stop = threading.Event()
    gaps: list[tuple[int, int]] = []

    def look() -> None:
        query = select(func.count(), func.coalesce(func.max(FeedEvent.seq), 0))
        while not stop.is_set():
            with authority.database.transaction() as session:
                count, highest = session.execute(query).one()
            if count != highest:
                gaps.append((count, highest))

    def ask() -> None:
        while not stop.is_set():
            authority.report(POINT, 0)

    authority.give("first")
    others = [threads.submit(look), threads.submit(ask)]
    givers = [threads.submit(lambda: [authority.give(str(uuid4())) for _ in range(CHANGES)]) for _ in range(3)]
    given = [number for giver in givers for number in giver.result()]
    stop.set()
    for other in others:
        other.result()
    assert sorted(given) == list(range(2, 3 * CHANGES + 2))
    assert gaps == []


def test_the_first_changes_of_all_make_one_feed(authority: Authority, threads: ThreadPoolExecutor) -> None:
    together = threading.Barrier(6)

    def give(consent: str) -> int:
        together.wait()
        return authority.give(consent)

    assert sorted(threads.map(give, "abcdef")) == [1, 2, 3, 4, 5, 6]
    with authority.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(FeedTable)) == 1


def test_a_grant_waits_for_a_change_that_is_about_to_commit(authority: Authority, threads: ThreadPoolExecutor) -> None:
    """A lease without that change, recorded after it, would be one that its acknowledgement does not wait for."""
    authority.give("a")
    held = Held("feed.after_append")
    change = threads.submit(authority.revoke, "a")
    assert held.reached.wait(30)
    asked = threads.submit(authority.report, POINT, 1)
    assert blocked(asked)
    held.let_go()
    assert (change.result(30), asked.result(30).seq) == (2, 2)


def test_a_change_waits_for_a_grant_that_is_about_to_commit(authority: Authority, threads: ThreadPoolExecutor) -> None:
    """So the barrier, which looks after the change's commit, finds the grant recorded."""
    authority.give("a")
    held = Held("feed.before_grant_commit")
    asked = threads.submit(authority.report, POINT, 1)
    assert held.reached.wait(30)
    change = threads.submit(authority.revoke, "a")
    assert blocked(change)
    held.let_go()
    assert (asked.result(30).seq, change.result(30)) == (1, 2)
    assert not authority.holds(2)


def test_a_grant_never_carries_a_number_below_a_committed_one(
    authority: Authority, threads: ThreadPoolExecutor
) -> None:
    authority.give("a")
    committed = [1]
    stop = threading.Event()

    def give() -> None:
        for number in range(CHANGES * 2):
            committed[0] = authority.give(str(number))
        stop.set()

    def ask() -> list[tuple[int, int]]:
        seen = []
        while not stop.is_set():
            before = committed[0]
            seen.append((before, authority.report(POINT, 0).seq))
        return seen

    asking = threads.submit(ask)
    threads.submit(give).result()
    assert all(before <= seq for before, seq in asking.result())


def test_a_rolled_back_change_lets_the_next_one_have_its_number(
    authority: Authority, threads: ThreadPoolExecutor
) -> None:
    authority.give("a")
    numbers: list[int] = []

    def give_up() -> None:
        with authority.database.transaction() as session:
            numbers.append(number_of(authority.feed.append(session, GIVEN, "b", {"consent": "b"})))
            waiting.append(threads.submit(authority.give, "c"))
            assert blocked(waiting[0])
            raise InterruptedError

    waiting: list[Future[int]] = []
    with pytest.raises(InterruptedError):
        give_up()
    assert (numbers, waiting[0].result(30)) == ([2], 2)


def test_forgetting_and_asking_have_an_order(authority: Authority, threads: ThreadPoolExecutor) -> None:
    """Whoever is forgotten while it asks again is recorded again: no lease is without its record."""
    authority.give("a")
    authority.report(POINT, 1)
    authority.feed.forget_the_gone()
    authority.clock.advance(3601)  # type: ignore[attr-defined]
    held = Held("feed.before_grant_commit")
    asked = threads.submit(authority.report, POINT, 1)
    assert held.reached.wait(30)
    forgetting = threads.submit(authority.feed.forget_the_gone)
    assert blocked(forgetting)
    held.let_go()
    asked.result(30)
    forgetting.result(30)
    assert POINT in authority.points()


def test_a_change_during_a_snapshot_is_wholly_in_it_or_not_at_all(authority: Authority) -> None:
    authority.give("a")
    with authority.feed.snapshot(facts) as (_, seq, listed):
        authority.revoke("a")
        assert (seq, [each["status"] for each in listed]) == (1, ["active"])
    assert lines(authority)[0]["seq"] == 2


def test_the_same_change_from_many_sides_is_applied_once(
    authority: Authority, threads: ThreadPoolExecutor, fresh_postgresql: Callable[[], str]
) -> None:
    """The bus, and the answers of every process's authority, bring the same events to one database at one time."""
    database = Database(fresh_postgresql())
    follower = Follower(database)
    follower.process(Way(authority), authority.clock).renew()
    for number in range(CHANGES):
        authority.give(str(number))
    told = authority.events()
    applied = list(threads.map(lambda _: follower.take(*told).applied, range(6)))
    assert applied == [CHANGES] * 6
    assert len(follower.known()) == CHANGES
    database.dispose()


def test_the_barrier_of_another_process_wakes_by_itself(authority: Authority, threads: ThreadPoolExecutor) -> None:
    """Its bell did not ring: it looks now and then anyway."""
    authority.give("a")
    authority.report(POINT, 1)
    number = authority.revoke("a")
    waiting = threads.submit(authority.barrier.await_effective, authority.change(number), LONGEST)
    elsewhere = Authority(authority.database, authority.clock)
    elsewhere.report(POINT, number)
    assert waiting.result(30)
