"""Leases as a follower holds them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.chassis import failpoints, metrics
from services.chassis.db import Database, DatabaseUnavailableError
from services.chassis.failpoints import FailpointReachedError
from services.chassis.feed_messages import LeaseAnswer, LeaseRequest
from services.chassis.lease import LeaseHolder
from services.chassis.peer_http import PeerUnavailableError
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import GIVEN, LEASE_SECONDS, Authority, Follower, Way


class Pair:
    """An authority and a follower of it with one process, on one clock; `holder` is that process's."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.authority = Authority(Database("sqlite://"), self.clock)
        self.follower = Follower(Database("sqlite://"))
        self.way = Way(self.authority)
        self.holder = self.process()

    def process(self) -> LeaseHolder:
        return self.follower.process(self.way, self.clock)

    def usable(self, holder: LeaseHolder | None = None) -> bool:
        """Whether the gate would open under what is applied now."""
        epoch, applied = self.follower.mark()
        return epoch is not None and (holder or self.holder).usable(epoch, applied) is not None


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    failpoints.disarm()
    made.authority.database.dispose()
    made.follower.database.dispose()


@pytest.fixture
def following(pair: Pair) -> Pair:
    """A follower that has taken its snapshot and holds a lease."""
    pair.authority.give("a")
    pair.holder.renew()
    return pair


def test_whoever_follows_nothing_yet_takes_a_snapshot_and_then_gets_a_lease(pair: Pair) -> None:
    pair.authority.give("a")
    assert not pair.usable()
    pair.holder.renew()
    assert pair.follower.known() == {"a": "active"}
    assert pair.follower.mark() == pair.authority.mark()
    assert pair.usable()


def test_a_lease_ends_after_its_seconds(following: Pair) -> None:
    following.clock.advance(LEASE_SECONDS - 0.01)
    assert following.usable()
    following.clock.advance(0.02)
    assert not following.usable()


def test_a_lease_is_counted_from_the_sending_of_the_request(following: Pair) -> None:
    """The answer was four seconds on its way: one second of the lease is left."""
    following.clock.advance(LEASE_SECONDS)
    following.way.after = lambda: following.clock.advance(4)
    following.holder.renew()
    following.clock.advance(0.99)
    assert following.usable()
    following.clock.advance(0.02)
    assert not following.usable()


def test_an_answer_that_took_longer_than_the_lease_is_worth_nothing(following: Pair) -> None:
    following.clock.advance(LEASE_SECONDS)
    following.way.after = lambda: following.clock.advance(LEASE_SECONDS)
    following.holder.renew()
    assert not following.usable()


def test_the_time_of_day_neither_ends_nor_extends_a_lease(following: Pair) -> None:
    following.clock.jump(86400)
    assert following.usable()
    following.clock.advance(LEASE_SECONDS - 0.01)
    following.clock.jump(-2 * 86400)
    assert following.usable()
    following.clock.advance(0.02)
    assert not following.usable()


def test_a_lease_is_of_no_use_before_its_facts_are_applied(following: Pair) -> None:
    """The first lease has ended; the second carries a revocation that could not be applied yet."""
    following.clock.advance(LEASE_SECONDS)
    following.authority.revoke("a")
    failpoints.arm({"lease.after_keep": "raise"})
    with pytest.raises(FailpointReachedError):
        following.holder.renew()
    assert not following.usable()
    following.follower.take(*following.authority.events())
    assert following.usable()


def test_an_older_lease_counts_until_it_ends_while_a_newer_one_waits_for_its_facts(following: Pair) -> None:
    epoch, applied = following.authority.mark()
    following.clock.advance(2)
    following.authority.give("b")
    failpoints.arm({"lease.after_keep": "raise"})
    with pytest.raises(FailpointReachedError):
        following.holder.renew()
    older = following.holder.usable(epoch, applied)
    newer = following.holder.usable(epoch, applied + 1)
    assert older is not None
    assert newer is not None
    assert (older.seq, newer.seq, round(newer.expires - older.expires)) == (1, 2, 2)
    following.clock.advance(3)
    assert following.holder.usable(epoch, applied) is None


def test_the_newest_of_the_usable_leases_is_taken(following: Pair) -> None:
    epoch, applied = following.authority.mark()
    following.clock.advance(2)
    following.holder.renew()
    lease = following.holder.usable(epoch, applied)
    assert lease is not None
    assert lease.expires == following.clock.boottime() + LEASE_SECONDS


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(following: Pair) -> None:
    epoch, applied = following.authority.mark()

    def overtake() -> None:
        following.way.after = lambda: None
        following.clock.advance(1)
        following.holder.renew()

    following.way.after = overtake
    following.holder.renew()
    lease = following.holder.usable(epoch, applied)
    assert lease is not None
    assert lease.expires == following.clock.boottime() + LEASE_SECONDS


def test_leases_do_not_pile_up(following: Pair) -> None:
    for _ in range(100):
        following.clock.advance(0.01)
        following.holder.renew()
    assert len(following.holder._leases) == 1


def test_everything_that_is_missing_is_fetched_in_as_many_answers_as_it_takes(following: Pair) -> None:
    with following.authority.database.transaction() as session:
        for number in range(450):
            following.authority.feed.append(session, GIVEN, str(number), {"consent": str(number)})
    following.holder.renew()
    assert following.follower.mark() == following.authority.mark()
    assert len(following.follower.known()) == 451
    assert following.usable()


def test_what_was_just_applied_is_reported_at_once(following: Pair) -> None:
    number = following.authority.revoke("a")
    following.holder.renew()
    assert following.way.requests[-1].applied == number
    assert following.authority.holds(number)


def test_nothing_is_reported_before_it_is_committed(following: Pair) -> None:
    number = following.authority.revoke("a")
    failpoints.arm({"projection.before_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        following.holder.renew()
    failpoints.disarm()
    assert not following.authority.holds(number)


def test_while_the_authority_is_away_leases_run_out_by_themselves(following: Pair) -> None:
    following.way.cut = True
    following.clock.advance(LEASE_SECONDS - 1)
    with pytest.raises(PeerUnavailableError):
        following.holder.renew()
    assert following.usable()
    following.clock.advance(1)
    assert not following.usable()
    following.way.cut = False
    following.holder.renew()
    assert following.usable()


def test_leases_of_an_old_epoch_are_dropped_when_a_new_one_is_seen(following: Pair) -> None:
    """Even when the snapshot cannot be had: what the new authority says holds from the moment it is heard."""
    old, applied = following.authority.mark()
    following.authority.feed.new_epoch()

    @contextmanager
    def broken() -> Iterator[Iterator[dict[str, Any]]]:
        raise PeerUnavailableError("consent")
        yield

    following.way.snapshot = broken  # type: ignore[method-assign]
    assert following.holder.usable(old, applied)
    with pytest.raises(PeerUnavailableError):
        following.holder.renew()
    assert following.holder.usable(old, applied) is None


def test_a_new_epoch_is_followed_through_a_snapshot(following: Pair) -> None:
    following.authority.feed.new_epoch()
    following.authority.revoke("a")
    following.holder.renew()
    assert following.way.snapshots == 2
    assert following.follower.mark() == following.authority.mark()
    assert following.follower.known() == {"a": "revoked"}
    assert following.usable()


def test_another_process_of_the_same_database_needs_a_lease_of_its_own(following: Pair) -> None:
    other = following.process()
    assert not following.usable(other)
    other.renew()
    assert following.usable(other)
    assert following.way.snapshots == 1
    assert len(following.authority.points()) == 1


class Telephone:
    """An authority that a test answers for; `asked` counts the calls."""

    def __init__(self, answer: Callable[[LeaseRequest], LeaseAnswer]) -> None:
        self.answer = answer
        self.asked = 0

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        self.asked += 1
        return self.answer(request)

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        yield iter([{"epoch": str(uuid4()), "seq": 0}, {"end": 0}])


def _granted(request: LeaseRequest) -> LeaseAnswer:
    assert request.epoch is not None
    return LeaseAnswer(epoch=request.epoch, seq=request.applied, lease_seconds=60, snapshot_required=False, events=[])


@contextmanager
def running(follower: Follower, telephone: Telephone) -> Iterator[LeaseHolder]:
    """A process whose loop runs beside the test."""
    holder = LeaseHolder(follower.projection, telephone, FakeClock(), uuid4(), time_bounded=True)
    stop = threading.Event()
    loop = threading.Thread(target=holder.run, args=(stop,))
    loop.start()
    try:
        yield holder
    finally:  # also when the test fails: a thread that is left would keep the process
        stop.set()
        holder.poke()
        loop.join(15)
    assert not loop.is_alive()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    """A follower at the beginning of some feed, on a database that threads can share."""
    database = Database(f"sqlite:///{tmp_path / 'follower.sqlite'}")
    made = Follower(database)
    made.projection.replace(iter([{"epoch": str(uuid4()), "seq": 0}, {"end": 0}]), instead_of=None)
    yield made
    database.dispose()


def test_the_loop_renews_at_once_when_it_is_poked(follower: Follower) -> None:
    telephone = Telephone(_granted)
    with running(follower, telephone) as holder:
        until(lambda: telephone.asked == 1)
        time.sleep(0.1)
        assert telephone.asked == 1
        holder.poke()
        until(lambda: telephone.asked == 2)


def test_a_process_that_never_gets_a_lease_shows_since_when(follower: Follower) -> None:
    """A measure that is not there raises no alarm: its authority may have been away before this process began."""

    def away(request: LeaseRequest) -> LeaseAnswer:
        raise PeerUnavailableError("consent")

    def renewed() -> float | None:
        name = {"feed": follower.projection.name}
        return metrics.PROCESS.get_sample_value("concord_lease_renewed_timestamp_seconds", name)

    clock, stop = FakeClock(), threading.Event()
    metrics.LEASE_RENEWED.clear()
    telephone = Telephone(away)
    holder = LeaseHolder(follower.projection, telephone, clock, uuid4(), time_bounded=True)
    began = clock.now().timestamp()
    for asked in (1, 2):  # a loop that failed and is started again has not renewed anything by that
        stop.clear()
        loop = threading.Thread(target=holder.run, args=(stop,))
        loop.start()
        try:
            until(lambda asked=asked: telephone.asked >= asked)  # type: ignore[misc]
        finally:
            stop.set()
            holder.poke()
            loop.join(15)
        assert renewed() == began
        clock.advance(60)


@pytest.mark.parametrize("failure", [PeerUnavailableError("consent"), DatabaseUnavailableError("away")])
def test_the_loop_goes_on_after_a_failure_that_passes(follower: Follower, failure: Exception) -> None:
    def fail_once(request: LeaseRequest) -> LeaseAnswer:
        if telephone.asked == 1:
            raise failure
        return _granted(request)

    telephone = Telephone(fail_once)
    with running(follower, telephone) as holder:
        epoch, applied = follower.mark()
        assert epoch is not None
        until(lambda: holder.usable(epoch, applied) is not None)
    assert telephone.asked == 2
