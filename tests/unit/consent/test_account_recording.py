"""Recording: line n of a patient after line n-1, once, and nothing ever overwritten."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import pytest
from concord_formats.account import leaf_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from services.chassis.bus import LocalBus, Subscription
from services.chassis.event import Event
from services.chassis.inbox import Inbox
from services.consent import account, models
from services.consent.account import ContradictionError
from services.consent.account_alarm import Alarms
from services.consent.measures import QUEUE
from services.consent.models import AccountGapRow, AccountLeafRow, DisclosureRow
from tests.unit.consent.examples import PATIENT
from tests.unit.consent.ledger import OTHER, line, recorded, tell
from tests.unit.consent.test_account import letter_event
from tests.unit.consent.world import World


def gaps(world: World) -> list[str]:
    with world.database.transaction() as session:
        return list(session.scalars(select(AccountGapRow.patient)))


def rows(world: World, model: Any) -> list[Any]:
    with world.database.transaction() as session:
        return list(session.scalars(select(model)))


def test_lines_are_recorded_in_their_order_each_with_its_leaf(world: World) -> None:
    tell(world, [line(1), line(1, patient=OTHER), line(2)])
    assert (recorded(world), recorded(world, OTHER), gaps(world)) == ([1, 2], [1], [])
    leaves = {leaf.place: leaf for leaf in rows(world, AccountLeafRow)}
    for row in rows(world, DisclosureRow):
        assert leaves[row.leaf].data == leaf_data(row.salt, row.body)
    assert len({row.salt for row in rows(world, DisclosureRow)}) == 3


def test_a_line_that_comes_too_early_is_left_and_the_gap_noted(world: World) -> None:
    first, second, third = (line(n) for n in (1, 2, 3))
    tell(world, [first, third])
    assert (recorded(world), gaps(world)) == ([1], [PATIENT])
    tell(world, [second, third])
    assert recorded(world) == [1, 2, 3]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), max_size=25))
def test_no_order_and_no_repetition_skips_or_doubles_a_line(world: World, told: list[int]) -> None:
    """Whatever the bus does, what is recorded is a beginning of what messaging told."""
    patient = "pt_" + "".join(secrets.choice("abcdefgh") for _ in range(26))
    story = [line(n, patient=patient) for n in range(1, 7)]
    tell(world, [story[each] for each in told])
    found = recorded(world, patient)
    assert found == list(range(1, len(found) + 1))
    assert {story[n - 1].id for n in found} == {
        row.event_id for row in rows(world, DisclosureRow) if row.patient == patient
    }
    tell(world, story)
    assert recorded(world, patient) == [1, 2, 3, 4, 5, 6]


def test_a_repeated_line_adds_nothing(world: World) -> None:
    event = line(1)
    tell(world, [event, event, Event.decode(event.encode())])
    assert recorded(world) == [1]


@pytest.mark.parametrize("changed", [{"recipient": "00000000-0000-0000-0000-000000000001"}, {"sensitivity": ["hiv"]}])
def test_another_line_under_the_same_number_is_an_alarm_and_overwrites_nothing(
    world: World, changed: dict[str, Any]
) -> None:
    event = line(1)
    tell(world, [event, line(2)])
    forged = event.model_copy(update={"data": event.data | changed})
    for each in (forged, line(1), line(2, **changed)):
        with pytest.raises(ContradictionError):
            tell(world, [each])
    assert [row.body for row in rows(world, DisclosureRow) if row.n == 1] == [event.encode()]
    assert recorded(world) == [1, 2]


def test_one_event_cannot_be_two_lines(world: World) -> None:
    event = line(1)
    tell(world, [event])
    again = event.model_copy(update={"data": event.data | {"n": 2}})
    elsewhere = event.model_copy(update={"data": event.data | {"patient": OTHER}})
    for each in (again, elsewhere):
        with pytest.raises(ContradictionError):
            tell(world, [each])
    assert (recorded(world), recorded(world, OTHER)) == ([1], [])


def test_a_contradiction_is_a_dead_letter_and_one_alarm(world: World) -> None:
    """However often the bus tries it, and without keeping what comes after it."""
    alarms, stop, bus = Alarms(world.database, world.clock), threading.Event(), LocalBus()
    handle = alarms.watched(Inbox(world.database, world.clock, account.HANDLERS, models.Inbox).handle_all)
    letters = Subscription(QUEUE, frozenset(account.HANDLERS))
    bus.declare(letters)
    bus.publish([line(1), line(1), line(2)])
    done = threading.Timer(20, stop.set)
    done.start()

    def consume(event: Event) -> None:
        handle([event])
        if event.data["n"] == 2:
            stop.set()

    bus.consume(letters, consume, stop)
    done.cancel()
    assert len(bus.dead_letters(QUEUE)) == 1
    assert recorded(world) == [1, 2]
    assert [each.kind for each in alarms.all()] == ["contradiction"]


@pytest.mark.parametrize(
    "changed",
    [
        {"patient": None},
        {"patient": "Jane Roe"},
        {"basis": "because"},
        {"label_reason": "free text, with a name"},
        {"notice": "yes, please"},
        {"consent": "no id"},
    ],
)
def test_a_line_that_says_nothing_is_left_to_the_dead_letters(world: World, changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tell(world, [line(1, **changed)])
    assert rows(world, DisclosureRow) == []


@pytest.mark.parametrize("n", [0, -1, 2**63, "1", 1.0, True])
def test_a_number_is_a_number(world: World, n: Any) -> None:
    with pytest.raises(ValidationError):
        tell(world, [line(n)])


def test_a_line_that_is_too_long_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="too long"):
        tell(world, [line(1, more="x" * 20_000)])
    assert recorded(world) == []


def test_a_line_from_before_the_numbers_stands_outside_of_the_log(world: World) -> None:
    tell(world, [letter_event(world.active()), line(1)])
    old, new = sorted(rows(world, DisclosureRow), key=lambda row: row.id)
    assert (old.n, old.leaf, old.salt, old.body) == (None, None, None, None)
    assert (new.n, new.leaf) == (1, 0)


def test_an_erased_line_leaves_its_leaf_and_nothing_else(world: World) -> None:
    events = [line(n) for n in (1, 2, 3)]
    tell(world, events)
    before = {leaf.place: leaf.data for leaf in rows(world, AccountLeafRow)}
    with world.database.transaction() as session:
        account.erase(session, PATIENT, 2, world.clock.now())
    assert recorded(world) == [1, 3]
    assert {leaf.place: leaf.data for leaf in rows(world, AccountLeafRow)} == before
    tell(world, [*events, line(4)])  # told again, it does not come back
    assert recorded(world) == [1, 3, 4]
    with pytest.raises(LookupError), world.database.transaction() as session:
        account.erase(session, PATIENT, 2, world.clock.now())


def test_two_recorders_at_once_append_one_line_after_the_other(real_world: World) -> None:
    """Both get every line of several patients, in orders of their own, and both try until all are there."""
    patients = ["pt_" + each * 26 for each in "abcd"]
    story = [line(n, patient=patient) for patient in patients for n in range(1, 11)]
    failures: list[BaseException] = []

    def recorder(seed: int) -> None:
        try:
            for _ in range(2):
                tell(real_world, sorted(story, key=lambda each: (each.data["n"], hash((seed, each.data["patient"])))))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=recorder, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for patient in patients:
        assert recorded(real_world, patient) == list(range(1, 11))
    assert sorted(leaf.place for leaf in rows(real_world, AccountLeafRow)) == list(range(40))
