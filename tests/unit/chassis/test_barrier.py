"""When a change may be called effective."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from services.chassis import failpoints
from services.chassis.barrier import LostChangeError, Point, lagging
from services.chassis.db import Database
from services.chassis.failpoints import FailpointReachedError
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import LONGEST, Authority, EnforcementPoint, FeedEvent, FeedTable

POINT, OTHER = uuid4(), uuid4()
EPOCH, OLD = UUID(int=1), UUID(int=2)

points = st.builds(
    Point,
    epoch=st.sampled_from([EPOCH, OLD]),
    applied=st.integers(0, 9),
    first_granted=st.integers(0, 9),
    time_bounded=st.booleans(),
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def authority(tmp_path: Path, clock: FakeClock) -> Iterator[Authority]:
    database = Database(f"sqlite:///{tmp_path / 'authority.sqlite'}")
    yield Authority(database, clock)
    database.dispose()


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


@pytest.fixture
def revoked(authority: Authority) -> int:
    """A revocation that one enforcement point, with a lease from before, has not applied."""
    authority.give("a")
    authority.report(POINT, 1)
    return authority.revoke("a")


@given(points, st.integers(1, 10))
def test_one_with_an_older_lease_lags_until_it_reports(point: Point, seq: int) -> None:
    behind = point.first_granted < seq and point.applied < seq
    assert (lagging([point], EPOCH, seq) == [point]) == (behind or point.epoch == OLD)


@given(st.lists(points, max_size=5), st.integers(1, 10), st.integers(1, 10))
def test_what_holds_for_a_change_holds_for_every_earlier_one(listed: list[Point], one: int, two: int) -> None:
    """Settling needs no order of its own."""
    earlier, later = sorted((one, two))
    assert set(lagging(listed, EPOCH, earlier)) <= set(lagging(listed, EPOCH, later))


def test_where_nobody_follows_a_change_is_effective_at_once(authority: Authority) -> None:
    assert authority.holds(authority.give("a"))


def test_a_change_is_effective_once_everybody_has_reported_it(authority: Authority) -> None:
    authority.give("a")
    authority.report(POINT, 1)
    authority.report(OTHER, 1)
    number = authority.revoke("a")
    authority.report(POINT, number)
    assert not authority.holds(number)
    authority.report(OTHER, number)
    assert authority.holds(number)
    assert authority.effective() == [number]


def test_a_lease_granted_after_the_change_does_not_delay_it(authority: Authority) -> None:
    """It carries the change already: whoever holds it can use it only after applying that."""
    authority.give("a")
    number = authority.revoke("a")
    authority.report(POINT, 0)
    assert authority.holds(number)


def test_further_leases_do_not_extend_the_wait(authority: Authority, clock: FakeClock, revoked: int) -> None:
    assert not authority.holds(revoked)
    for _ in range(3):
        clock.advance(LONGEST / 3)
        authority.report(POINT, 1)
    assert authority.holds(revoked)


def test_silence_is_enough_after_the_longest_lease_and_deadline_and_not_before(
    authority: Authority, clock: FakeClock, revoked: int
) -> None:
    assert not authority.holds(revoked)
    clock.advance(LONGEST - 0.01)
    assert not authority.holds(revoked)
    clock.advance(0.02)
    assert authority.holds(revoked)


def test_the_wait_begins_when_this_process_first_sees_the_change(
    authority: Authority, clock: FakeClock, revoked: int
) -> None:
    """Not at the time of day that is written beside it, which any clock may have said."""
    clock.advance(LONGEST * 2)
    assert not authority.holds(revoked)
    clock.advance(LONGEST)
    assert authority.holds(revoked)


def test_setting_the_time_of_day_shortens_nothing(authority: Authority, clock: FakeClock, revoked: int) -> None:
    assert not authority.holds(revoked)
    clock.jump(86400)
    assert not authority.holds(revoked)


def test_a_process_that_starts_afresh_waits_afresh(authority: Authority, clock: FakeClock, revoked: int) -> None:
    assert not authority.holds(revoked)
    clock.advance(LONGEST - 0.1)
    authority.start()
    clock.advance(0.2)
    assert not authority.holds(revoked)
    clock.advance(LONGEST)
    assert authority.holds(revoked)


def test_the_time_of_a_number_does_not_begin_before_its_commit(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1)
    with pytest.raises(LostChangeError):
        authority.holds(2)
    clock.advance(LONGEST)
    number = authority.revoke("a")
    assert not authority.holds(number)


def test_whom_time_does_not_bound_must_report(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1, bounded=False)
    number = authority.revoke("a")
    assert not authority.holds(number)
    clock.advance(86400)
    assert not authority.holds(number)
    authority.report(POINT, number, bounded=False)
    assert authority.holds(number)


def test_after_a_restore_nothing_is_effective_before_every_old_lease_has_ended(
    authority: Authority, clock: FakeClock
) -> None:
    """Whatever the rows say: they are older than some lease."""
    number = authority.give("a")
    authority.feed.new_epoch()
    later = authority.give("b")
    authority.report(POINT, later)
    assert not authority.holds(number)
    assert not authority.holds(later)
    clock.advance(LONGEST - 0.01)
    assert not authority.holds(later)
    clock.advance(0.02)
    assert authority.holds(later)
    assert authority.holds(number)


def test_a_report_in_the_old_epoch_says_nothing_about_the_new_one(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1, bounded=False)
    authority.feed.new_epoch()
    number = authority.give("b")
    assert not authority.holds(number)
    clock.advance(86400)
    assert not authority.holds(number)
    authority.report(POINT, number, bounded=False)
    assert authority.holds(number)


def test_a_number_that_a_restore_gives_again_waits_again(authority: Authority, clock: FakeClock, revoked: int) -> None:
    """The process lived through the restore: it has seen that number before, as another change."""
    assert not authority.holds(revoked)
    with authority.database.transaction() as session:
        session.execute(update(FeedTable).values(seq=1))
        session.execute(delete(FeedEvent).where(FeedEvent.seq == revoked))
    authority.feed.new_epoch()
    authority.report(POINT, 1)
    authority.barrier.settle_pending()
    clock.advance(LONGEST)
    assert authority.revoke("a") == revoked
    assert not authority.holds(revoked)
    clock.advance(LONGEST)
    assert authority.holds(revoked)


def test_since_when_it_is_effective_is_written_once(authority: Authority, clock: FakeClock) -> None:
    number = authority.give("a")
    assert authority.holds(number)
    first = clock.now()
    clock.advance(60)
    authority.start()
    assert authority.holds(number)
    with authority.database.transaction() as session:
        assert session.scalar(select(FeedEvent.effective_at)) == first


def test_once_written_it_stays_so_whoever_comes_to_lag(authority: Authority) -> None:
    number = authority.give("a")
    assert authority.holds(number)
    authority.report(POINT, 0, epoch=authority.feed.new_epoch())
    assert authority.holds(number)


def test_a_crash_before_it_is_written_acknowledges_nothing(authority: Authority) -> None:
    number = authority.give("a")
    failpoints.arm({"barrier.before_persist": "raise"})
    with pytest.raises(FailpointReachedError):
        authority.holds(number)
    assert authority.effective() == []
    failpoints.disarm()
    assert authority.holds(number)


def test_settling_makes_effective_what_nobody_asks_about(authority: Authority, clock: FakeClock, revoked: int) -> None:
    authority.barrier.settle_pending()
    assert authority.effective() == [1]
    clock.advance(LONGEST)
    authority.barrier.settle_pending()
    assert authority.effective() == [1, revoked]


def test_settling_goes_on_after_everything_was_settled(authority: Authority) -> None:
    authority.barrier.settle_pending()
    authority.give("a")
    authority.barrier.settle_pending()
    authority.barrier.settle_pending()
    authority.give("b")
    authority.barrier.settle_pending()
    assert authority.effective() == [1, 2]


def test_a_waiter_wakes_with_the_report(authority: Authority, revoked: int) -> None:
    done: list[tuple[bool, float]] = []
    started = time.monotonic()

    def wait() -> None:
        done.append((authority.barrier.await_effective(authority.change(revoked), 20.0), time.monotonic() - started))

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.1)
    authority.report(POINT, revoked)
    waiter.join(30)
    [(effective, seconds)] = done
    assert effective
    assert seconds < 15


def test_a_waiter_gives_up_in_time(authority: Authority, revoked: int) -> None:
    assert not authority.barrier.await_effective(authority.change(revoked), 0.05)
    assert authority.effective() == []


def test_an_enforcement_point_that_changes_its_mind_about_time_is_believed(
    authority: Authority, clock: FakeClock
) -> None:
    authority.give("a")
    authority.report(POINT, 1, bounded=True)
    authority.report(POINT, 1, bounded=False)
    number = authority.revoke("a")
    assert not authority.holds(number)
    clock.advance(LONGEST)
    assert not authority.holds(number)
    with authority.database.transaction() as session:
        assert session.scalar(select(EnforcementPoint.time_bounded)) is False
