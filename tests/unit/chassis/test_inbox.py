"""The inbox handles an event once, however often it comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis import failpoints
from services.chassis.db import Database, create_all
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.inbox import REMEMBERED_DAYS, Inbox, UnexpectedEventError
from services.chassis.outbox import record
from tests.fakes import FakeClock
from tests.unit.chassis import plumbing
from tests.unit.chassis.plumbing import TYPE, Outbox, happened


def remember(session: Session, event: Event) -> None:
    """A handler whose deed can be counted: it writes a row."""
    if event.data["n"] < 0:
        raise ValueError("poison")
    record(session, Outbox, event)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def inbox(database: Database, clock: FakeClock) -> Inbox:
    create_all(database, plumbing.Base)
    return Inbox(database, clock, {TYPE: remember}, plumbing.Inbox)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def deeds(database: Database) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


def test_an_event_that_comes_again_changes_nothing(database: Database, inbox: Inbox) -> None:
    event = happened(1)
    inbox.handle(event)
    inbox.handle(event)
    assert deeds(database) == 1


def test_an_event_whose_handler_fails_is_not_remembered(database: Database, inbox: Inbox) -> None:
    poison = happened(-1)
    for _ in range(2):
        with pytest.raises(ValueError, match="poison"):
            inbox.handle(poison)
    assert deeds(database) == 0


def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything(database: Database, inbox: Inbox) -> None:
    event = happened(1)
    failpoints.arm({"inbox.before_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        inbox.handle(event)
    assert deeds(database) == 0
    failpoints.disarm()
    failpoints.arm({"inbox.after_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        inbox.handle(event)
    failpoints.disarm()
    inbox.handle(event)
    assert deeds(database) == 1


def test_several_events_are_handled_together_or_not_at_all(database: Database, inbox: Inbox) -> None:
    good, other = happened(1), happened(2)
    with pytest.raises(ValueError, match="poison"):
        inbox.handle_all([good, happened(-1), other])
    assert deeds(database) == 0
    inbox.handle_all([good, other, good])
    inbox.handle_all([other, good])
    assert deeds(database) == 2


def test_an_event_of_another_type_is_a_mistake(inbox: Inbox) -> None:
    with pytest.raises(UnexpectedEventError):
        inbox.handle(happened(1, "care.concord.test.else.v1"))


def test_old_ids_are_forgotten_and_young_ones_kept(database: Database, inbox: Inbox, clock: FakeClock) -> None:
    old, young = happened(1), happened(2)
    inbox.handle(old)
    clock.advance(timedelta(days=REMEMBERED_DAYS).total_seconds() - 60)
    inbox.handle(young)
    clock.advance(120)
    inbox.prune()
    inbox.handle(young)
    assert deeds(database) == 2
