"""The inbox: what comes twice is handled once, and what fails leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis import failpoints
from services.chassis.db import Database, create_all
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.inbox import REMEMBERED_DAYS, Handler, Inbox, UnexpectedEventError
from tests.fakes import FakeClock, RecordingBus
from tests.unit.chassis import plumbing
from tests.unit.chassis.plumbing import STRAY, TYPE, Base, emptied, happened, waiting

DAY = 86_400.0


IN_MEMORY = Database("sqlite://")


@pytest.fixture
def database(database: Database) -> Database:
    """With its tables."""
    create_all(database, Base)
    return database


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def inbox(database: Database, handler: Handler, clock: FakeClock | None = None) -> Inbox:
    return Inbox(database, clock or FakeClock(), {TYPE: handler}, plumbing.Inbox)


def write(session: Session, event: Event) -> None:
    """Handles an event by writing a row: as many rows as events were handled."""
    session.add(plumbing.Outbox(body=event.encode()))
    session.flush()


def write_quickly(session: Session, event: Event) -> None:
    """The same, without waiting for each row."""
    session.add(plumbing.Outbox(body=event.encode()))


def remembered(database: Database) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(plumbing.Inbox)) or 0


def test_an_event_that_comes_twice_is_handled_once(database: Database) -> None:
    handled: list[Event] = []
    box = inbox(database, lambda _, event: handled.append(event))
    event = happened()
    for _ in range(3):
        box.handle(event)
    assert handled == [event]


def test_an_event_that_stands_twice_in_a_batch_is_handled_once(database: Database) -> None:
    handled: list[Event] = []
    box = inbox(database, lambda _, event: handled.append(event))
    first, second = happened(1), happened(2)
    box.handle_all([first, second, first])
    box.handle_all([second, third := happened(3)])
    assert handled == [first, second, third]


def test_a_handler_that_fails_leaves_nothing_and_the_event_may_come_again(database: Database) -> None:
    def fail(session: Session, event: Event) -> None:
        write(session, event)
        raise ValueError("half-way")

    event = happened()
    with pytest.raises(ValueError, match="half-way"):
        inbox(database, fail).handle(event)
    assert (waiting(database), remembered(database)) == (0, 0)
    inbox(database, write).handle(event)
    assert (waiting(database), remembered(database)) == (1, 1)


def test_a_batch_is_handled_as_a_whole_or_not_at_all(database: Database) -> None:
    box = inbox(database, write)
    with pytest.raises(UnexpectedEventError):
        box.handle_all([happened(1), happened(2, STRAY)])
    assert (waiting(database), remembered(database)) == (0, 0)


def test_an_event_of_a_type_that_nobody_registered_is_refused_and_not_remembered(database: Database) -> None:
    box = inbox(database, write)
    assert box.types == {TYPE}
    with pytest.raises(UnexpectedEventError, match="unwanted"):
        box.handle(happened(type_=STRAY))
    assert remembered(database) == 0


@pytest.mark.parametrize(("point", "rows"), [("inbox.before_commit", 0), ("inbox.after_commit", 1)])
def test_a_death_around_the_commit_is_made_good_by_the_next_delivery(database: Database, point: str, rows: int) -> None:
    event, box = happened(), inbox(database, write)
    failpoints.arm({point: "raise"})
    with pytest.raises(FailpointReachedError):
        box.handle(event)
    assert waiting(database) == rows
    failpoints.disarm()
    box.handle(event)
    assert waiting(database) == 1


def test_two_processes_that_handle_the_same_events_at_once_handle_each_once(database: Database) -> None:
    """As when a broker hands everything to the next consumer while the last one is still at work."""
    events = [happened(n) for n in range(2000)]  # so many that both are at it at the same time
    failures: list[BaseException] = []
    together = threading.Barrier(2)

    def work(batch: list[Event]) -> None:
        together.wait()
        try:
            inbox(database, write_quickly).handle_all(batch)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in (events, events[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (waiting(database), remembered(database)) == (2000, 2000)


def test_what_was_handled_is_forgotten_only_when_it_can_come_no_more(database: Database) -> None:
    clock = FakeClock()
    box = inbox(database, write, clock)
    old, new = happened(1), happened(2)
    box.handle(old)
    clock.advance((REMEMBERED_DAYS - 1) * DAY)
    box.handle(new)
    box.prune()
    assert remembered(database) == 2
    clock.advance(2 * DAY)
    box.prune()
    assert remembered(database) == 1
    box.handle(new)
    assert waiting(database) == 2


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), faults=st.floats(0.0, 1.0), count=st.integers(0, 8))
def test_however_a_bus_repeats_and_reorders_each_event_is_handled_once(seed: int, faults: float, count: int) -> None:
    database = emptied(IN_MEMORY)
    bus = RecordingBus(seed)
    if count:
        bus.publish([happened(n) for n in range(count)])
    bus.faults = faults
    box = inbox(database, write)
    for event in bus.delivered():
        box.handle(event)
    assert waiting(database) == count
