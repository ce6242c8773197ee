"""The outbox: never lost, perhaps twice, and nobody keeps the others back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from services.chassis import failpoints, outbox
from services.chassis.bus import Bus, BusUnavailableError
from services.chassis.db import Database, create_all
from services.chassis.failpoints import FailpointReachedError
from services.chassis.outbox import BATCH, CHANNEL, UNROUTABLE_PAUSE_SECONDS, Relay, record
from services.chassis.wake import LocalNotifier
from tests.fakes import FakeClock, RecordingBus
from tests.unit.chassis.plumbing import STRAY, Base, Outbox, emptied, happened, recorded, running, until, waiting

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


def relay(database: Database, bus: Bus, clock: FakeClock | None = None, notifier: LocalNotifier | None = None) -> Relay:
    return Relay(database, bus, notifier or LocalNotifier(), clock or FakeClock(), Outbox)


def test_an_event_is_there_only_if_its_transaction_is(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            record(session, Outbox, happened())
            raise RuntimeError("the business failed")

    with pytest.raises(RuntimeError):
        fail()
    assert waiting(database) == 0


def test_events_go_in_order_and_their_rows_go_after_them(database: Database) -> None:
    bus = RecordingBus()
    events = [happened(n) for n in range(BATCH + 10)]
    recorded(database, *events)
    assert relay(database, bus).relay_once() == BATCH
    assert relay(database, bus).relay_once() == 10
    assert relay(database, bus).relay_once() == 0
    assert bus.stored == events
    assert waiting(database) == 0


@pytest.mark.parametrize("point", ["outbox.before_publish", "outbox.after_publish"])
def test_a_relay_that_dies_loses_nothing(database: Database, point: str) -> None:
    bus = RecordingBus()
    events = [happened(n) for n in range(3)]
    recorded(database, *events)
    failpoints.arm({point: "raise"})
    with pytest.raises(FailpointReachedError):
        relay(database, bus).relay_once()
    assert waiting(database) == 3
    failpoints.disarm()
    assert relay(database, bus).relay_once() == 3
    assert set(bus.ids) == {event.id for event in events}
    assert waiting(database) == 0


def test_a_bus_that_does_not_confirm_is_tried_again(database: Database) -> None:
    bus = RecordingBus(faults=1.0)
    recorded(database, happened())
    with pytest.raises(BusUnavailableError):
        relay(database, bus).relay_once()
    assert waiting(database) == 1
    bus.faults = 0.0
    assert relay(database, bus).relay_once() == 1


def test_an_unwanted_event_stays_alone_and_is_tried_again_after_a_pause(database: Database) -> None:
    clock = FakeClock()
    bus = RecordingBus(unwanted=frozenset({STRAY}))
    recorded(database, happened(0), happened(1, STRAY), happened(2))
    one = relay(database, bus, clock)
    assert one.relay_once() == 2
    assert waiting(database) == 1
    assert one.relay_once() == 0
    bus.unwanted = frozenset()
    assert one.relay_once() == 0, "the pause is not over"
    clock.jump(3600.0)
    assert one.relay_once() == 0, "a pause is not measured by the time of day"
    clock.advance(UNROUTABLE_PAUSE_SECONDS)
    assert one.relay_once() == 1
    assert [event.data["n"] for event in bus.stored] == [0, 2, 1]


def test_unwanted_events_keep_nobody_back_however_many_they_are(database: Database) -> None:
    bus = RecordingBus(unwanted=frozenset({STRAY}))
    recorded(database, *(happened(n, STRAY) for n in range(BATCH * 8)), happened(7))
    with running(relay(database, bus).run):
        until(lambda: bus.stored)
    assert waiting(database) == BATCH * 8


def test_a_row_that_is_no_event_keeps_nobody_back_and_stays(database: Database) -> None:
    bus = RecordingBus()
    with database.transaction() as session:
        session.execute(insert(Outbox).values(body=b"from a later version"))
    recorded(database, happened(1))
    one = relay(database, bus)
    assert one.relay_once() == 1
    assert one.relay_once() == 0
    assert waiting(database) == 1


def test_a_bell_is_quicker_than_the_next_look(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LOOK_SECONDS", 60.0)
    bus, notifier = RecordingBus(), LocalNotifier()
    with running(relay(database, bus, notifier=notifier).run) as stop:
        time.sleep(0.2)  # it waits by now
        recorded(database, happened())
        notifier.notify(CHANNEL)
        until(lambda: bus.stored)
        stop.set()
        notifier.notify(CHANNEL)  # it would not see before its next look that it is to stop


def test_without_a_bell_it_is_looked_at_all_the_same(database: Database) -> None:
    bus = RecordingBus()
    with running(relay(database, bus).run):
        recorded(database, happened())
        until(lambda: bus.stored)


def test_only_a_batch_that_is_not_full_waits_for_company(database: Database) -> None:
    bus, notifier = RecordingBus(), LocalNotifier()
    recorded(database, *(happened() for _ in range(BATCH + 1)))
    patient = Relay(database, bus, notifier, FakeClock(), Outbox, gather=4.0)
    with running(patient.run):
        until(lambda: len(bus.stored) == BATCH + 1, seconds=3.5)
        recorded(database, happened())
        notifier.notify(CHANNEL)
        time.sleep(0.3)
        assert len(bus.stored) == BATCH + 1
        until(lambda: len(bus.stored) == BATCH + 2)


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.integers(1, 5)),
        st.tuples(st.just("relay"), st.sampled_from(["", "outbox.before_publish", "outbox.after_publish"])),
        st.tuples(st.just("faults"), st.floats(0.0, 1.0)),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(steps=Steps, seed=st.integers(0, 1000))
def test_whatever_fails_every_event_arrives_and_first_arrivals_are_in_order(
    steps: list[tuple[str, object]], seed: int
) -> None:
    """Deaths at the failpoints, and a bus that fails before, after and in the middle; each relay is a new process."""
    database = emptied(IN_MEMORY)
    bus, numbers = RecordingBus(seed), iter(range(1000))
    total = 0
    for what, how in steps:
        if what == "record":
            recorded(database, *(happened(next(numbers)) for _ in range(int(str(how)))))
            total += int(str(how))
        elif what == "faults":
            bus.faults = float(str(how))
        else:
            _one_life(relay(database, bus), str(how))
    bus.faults = 0.0
    relay(database, bus).relay_once()
    assert list(dict.fromkeys(event.data["n"] for event in bus.stored)) == list(range(total))
    assert waiting(database) == 0


def _one_life(one: Relay, ends_at: str) -> None:
    failpoints.arm({ends_at: "raise"} if ends_at else {})
    try:
        one.relay_once()
    except (FailpointReachedError, BusUnavailableError):
        pass
    finally:
        failpoints.disarm()
