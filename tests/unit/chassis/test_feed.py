"""The authority's side of a feed: numbers without gaps, reports, leases, epochs, snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import event as on
from sqlalchemy import func, select

from services.chassis import failpoints
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.feed import EVENTS_IN_AN_ANSWER
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import GIVEN, LEASE_SECONDS, Authority, FeedTable, Outbox, lines

POINT = uuid4()
OTHER = uuid4()


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def test_changes_are_numbered_from_one_without_gaps_and_go_to_the_outbox(authority: Authority) -> None:
    assert [authority.give("a"), authority.give("b"), authority.revoke("a")] == [1, 2, 3]
    epoch, seq = authority.mark()
    told = authority.events()
    assert [(each.epoch, each.sequence) for each in told] == [(epoch, 1), (epoch, 2), (epoch, 3)]
    assert seq == 3
    with authority.database.transaction() as session:
        waiting = [Event.decode(body) for body in session.scalars(select(Outbox.body).order_by(Outbox.id))]
    assert waiting == told


def test_a_change_that_is_rolled_back_uses_up_no_number(authority: Authority) -> None:
    authority.give("a")
    failpoints.arm({"feed.after_append": "raise"})
    with pytest.raises(FailpointReachedError):
        authority.give("b")
    failpoints.disarm()
    assert authority.give("c") == 2
    assert [each.subject for each in authority.events()] == ["a", "c"]


def test_whoever_follows_nothing_yet_is_sent_for_a_snapshot_and_gets_no_lease(authority: Authority) -> None:
    authority.give("a")
    answer = authority.report(POINT, 0, epoch=uuid4())
    assert (answer.snapshot_required, answer.lease_seconds, answer.events) == (True, None, [])
    assert (answer.epoch, answer.seq) == authority.mark()
    assert authority.points() == {}


def test_a_lease_carries_the_last_number_and_brings_what_is_missing(authority: Authority) -> None:
    for consent in "abc":
        authority.give(consent)
    answer = authority.report(POINT, 1)
    assert (answer.seq, answer.lease_seconds, answer.snapshot_required) == (3, LEASE_SECONDS, False)
    assert [each.sequence for each in answer.events] == [2, 3]
    recorded = authority.points()[POINT]
    assert (recorded.applied, recorded.first_granted, recorded.time_bounded) == (1, 3, True)


def test_an_answer_brings_at_most_two_hundred_events(authority: Authority) -> None:
    with authority.database.transaction() as session:
        for number in range(EVENTS_IN_AN_ANSWER + 5):
            authority.feed.append(session, GIVEN, str(number), {"consent": str(number)})
    answer = authority.report(POINT, 2)
    assert [each.sequence for each in answer.events] == list(range(3, EVENTS_IN_AN_ANSWER + 3))
    assert answer.seq == EVENTS_IN_AN_ANSWER + 5


def test_a_report_never_goes_back_and_the_first_grant_stays(authority: Authority) -> None:
    """Requests of several processes of one database may arrive in any order."""
    authority.give("a")
    authority.report(POINT, 1)
    authority.give("b")
    authority.report(POINT, 2)
    authority.report(POINT, 1)
    recorded = authority.points()[POINT]
    assert (recorded.applied, recorded.first_granted) == (2, 1)


def test_in_another_epoch_a_report_begins_afresh(authority: Authority) -> None:
    authority.give("a")
    authority.give("b")
    authority.report(POINT, 2)
    authority.feed.new_epoch()
    authority.give("c")
    authority.report(POINT, 0)
    recorded = authority.points()[POINT]
    assert (recorded.epoch, recorded.applied, recorded.first_granted) == (authority.mark()[0], 0, 3)


def test_a_new_epoch_goes_on_counting_and_refuses_leases_to_the_old_one(authority: Authority) -> None:
    authority.give("a")
    old, _ = authority.mark()
    new = authority.feed.new_epoch()
    assert authority.give("b") == 2
    answer = authority.report(POINT, 1, epoch=old)
    assert (answer.epoch, answer.lease_seconds, answer.snapshot_required) == (new, None, True)
    assert [each.sequence for each in authority.report(POINT, 1).events] == [2]


def test_events_of_an_old_epoch_are_never_sent_as_missing(authority: Authority) -> None:
    authority.give("a")
    authority.feed.new_epoch()
    authority.give("b")
    assert [each.subject for each in authority.report(POINT, 0).events] == ["b"]


def test_an_authority_that_lost_commits_begins_a_new_epoch_and_says_so(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """A follower that is ahead proves it: numbers would be given twice, with different meanings."""
    authority.give("a")
    old, _ = authority.mark()
    answer = authority.report(POINT, 2)
    assert answer.snapshot_required
    assert answer.lease_seconds is None
    assert answer.epoch == authority.mark()[0] != old
    with authority.database.transaction() as session:
        assert session.scalars(select(FeedTable)).one().restored
    assert "the feed went back" in capsys.readouterr().err


def test_a_crash_before_the_commit_of_a_grant_leaves_no_record_of_it(authority: Authority) -> None:
    authority.give("a")
    failpoints.arm({"feed.before_grant_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        authority.report(POINT, 1)
    assert authority.points() == {}


def test_a_crash_before_the_answer_leaves_the_grant_recorded(authority: Authority) -> None:
    """An answer that was never sent may not be counted as never granted: nobody knows how far it got."""
    authority.give("a")
    failpoints.arm({"feed.after_grant_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        authority.report(POINT, 1)
    assert POINT in authority.points()


def test_the_bell_rings_for_news_only(authority: Authority) -> None:
    """Every process renews three times a lease: if each of those woke every waiter, nobody would sleep."""
    authority.give("a")
    authority.report(POINT, 0)
    authority.report(POINT, 1)
    assert authority.bell.rung == 2
    authority.report(POINT, 1)
    authority.report(POINT, 0)
    assert authority.bell.rung == 2


def test_a_grant_with_nothing_new_costs_three_statements(authority: Authority) -> None:
    authority.give("a")
    authority.report(POINT, 1)
    epoch, _ = authority.mark()
    said: list[str] = []
    on.listen(authority.database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    authority.report(POINT, 1, epoch=epoch)
    assert len([each for each in said if not each.startswith("BEGIN")]) == 3


def test_an_enforcement_point_is_forgotten_after_an_hour_of_silence(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1)
    authority.report(OTHER, 1)
    authority.feed.forget_the_gone()
    clock.advance(1800)
    authority.report(OTHER, 1)
    authority.feed.forget_the_gone()
    clock.advance(1801)
    authority.feed.forget_the_gone()
    assert set(authority.points()) == {OTHER}


def test_a_clock_that_is_set_forward_makes_nobody_look_gone(authority: Authority, clock: FakeClock) -> None:
    """Its lease may have been granted a second ago; a revocation would no longer wait for it."""
    authority.give("a")
    authority.report(POINT, 1)
    authority.feed.forget_the_gone()
    clock.jump(7 * 86400)
    authority.feed.forget_the_gone()
    assert set(authority.points()) == {POINT}


def test_a_process_that_starts_afresh_measures_silence_afresh(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1)
    authority.feed.forget_the_gone()
    clock.advance(3601)
    authority.start()
    authority.feed.forget_the_gone()
    assert set(authority.points()) == {POINT}


def test_whom_time_does_not_bound_is_forgotten_only_by_name(authority: Authority, clock: FakeClock) -> None:
    authority.give("a")
    authority.report(POINT, 1, bounded=False)
    authority.feed.forget_the_gone()
    clock.advance(86400)
    authority.feed.forget_the_gone()
    assert set(authority.points()) == {POINT}
    authority.feed.forget(POINT)
    assert authority.points() == {}


def test_a_snapshot_lists_everything_with_the_number_it_stands_at(authority: Authority) -> None:
    authority.give("a")
    authority.give("b")
    authority.revoke("a")
    epoch, _ = authority.mark()
    assert lines(authority) == [
        {"epoch": str(epoch), "seq": 3},
        {"kind": "consent", "consent": "a", "status": "revoked"},
        {"kind": "consent", "consent": "b", "status": "active"},
        {"end": 2},
    ]


def test_a_snapshot_of_an_empty_feed_begins_the_feed(authority: Authority) -> None:
    head, end = lines(authority)
    assert (head["seq"], end) == (0, {"end": 0})
    assert head["epoch"] == str(authority.mark()[0])
    with authority.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(FeedTable)) == 1
