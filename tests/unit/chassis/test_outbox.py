"""The outbox loses nothing: what is committed goes to the bus, perhaps twice, never not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from services.chassis import failpoints, outbox
from services.chassis.bus import BusUnavailableError
from services.chassis.db import Database, create_all
from services.chassis.failpoints import FailpointReachedError
from services.chassis.outbox import Relay
from services.chassis.wake import LocalNotifier
from tests.fakes import FakeClock
from tests.unit.chassis.plumbing import Base, Outbox, ShelfBus, happened


@pytest.fixture
def bus() -> ShelfBus:
    return ShelfBus()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def relay(database: Database, bus: ShelfBus, clock: FakeClock) -> Relay:
    create_all(database, Base)
    return Relay(database, bus, LocalNotifier(), clock, Outbox)


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def record(database: Database, *numbers: int) -> None:
    with database.transaction() as session:
        for number in numbers:
            outbox.record(session, Outbox, happened(number))


def test_recorded_events_go_once_and_in_order(database: Database, relay: Relay, bus: ShelfBus) -> None:
    record(database, 1, 2, 3)
    assert relay.relay_once() == 3
    assert relay.relay_once() == 0
    assert bus.numbers() == [1, 2, 3]


def test_an_event_of_a_transaction_that_was_rolled_back_never_goes(
    database: Database, relay: Relay, bus: ShelfBus
) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        outbox.record(session, Outbox, happened(1))
        raise RuntimeError("changed its mind")
    assert relay.relay_once() == 0
    assert bus.numbers() == []


@pytest.mark.parametrize("point", ["outbox.before_publish", "outbox.after_publish"])
def test_a_crash_between_two_steps_repeats_but_does_not_lose(
    database: Database, relay: Relay, bus: ShelfBus, point: str
) -> None:
    record(database, 1, 2)
    failpoints.arm({point: "raise"})
    with pytest.raises(FailpointReachedError):
        relay.relay_once()
    failpoints.disarm()
    relay.relay_once()
    assert set(bus.numbers()) == {1, 2}
    assert relay.relay_once() == 0


def test_events_stay_while_the_bus_is_away(database: Database, relay: Relay, bus: ShelfBus) -> None:
    record(database, 1)
    bus.away = True
    with pytest.raises(BusUnavailableError):
        relay.relay_once()
    bus.away = False
    assert relay.relay_once() == 1


def test_an_event_that_nobody_takes_stays_and_keeps_no_other_back(
    database: Database, relay: Relay, bus: ShelfBus, clock: FakeClock
) -> None:
    """It is tried again after a pause, and goes once somebody takes it."""
    bus.homeless = {2}
    record(database, 1, 2, 3)
    assert relay.relay_once() == 2
    assert relay.relay_once() == 0, "not at once again"
    bus.homeless = set()
    clock.advance(outbox.UNROUTABLE_PAUSE_SECONDS + 1)
    assert relay.relay_once() == 1
    assert bus.numbers() == [1, 3, 2]


def test_a_long_outbox_goes_in_batches(database: Database, relay: Relay, bus: ShelfBus) -> None:
    record(database, *range(outbox.BATCH + 10))
    assert relay.relay_once() == outbox.BATCH
    assert relay.relay_once() == 10
    assert bus.numbers() == list(range(outbox.BATCH + 10))


def test_a_running_relay_is_woken_by_the_bell(database: Database, bus: ShelfBus, clock: FakeClock) -> None:
    create_all(database, Base)
    notifier = LocalNotifier()
    relay = Relay(database, bus, notifier, clock, Outbox)
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    time.sleep(0.2)
    record(database, 1)
    notifier.notify(outbox.CHANNEL)
    end = time.monotonic() + 10
    while bus.numbers() != [1] and time.monotonic() < end:
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert bus.numbers() == [1]


def test_of_two_relays_of_one_postgresql_database_one_works_until_it_is_gone(
    fresh_postgresql: object, clock: FakeClock
) -> None:
    """Two processes, as far as the lock can tell: each relay has connections of its own."""
    url = fresh_postgresql()  # type: ignore[operator]
    first_bus, second_bus = ShelfBus(), ShelfBus()
    databases = [Database(url), Database(url)]
    create_all(databases[0], Base)
    stops = [threading.Event(), threading.Event()]
    notifiers = [LocalNotifier(), LocalNotifier()]
    threads = []
    for index, bus in enumerate((first_bus, second_bus)):
        relay = Relay(databases[index], bus, notifiers[index], clock, Outbox)
        threads.append(threading.Thread(target=relay.run, args=(stops[index],)))
        threads[-1].start()
    for number in range(20):
        record(databases[0], number)
        time.sleep(0.01)
    end = time.monotonic() + 15
    while len(first_bus.shelf) + len(second_bus.shelf) < 20 and time.monotonic() < end:
        time.sleep(0.05)
    for stop, thread in zip(stops, threads, strict=True):
        stop.set()
        thread.join(10)
    assert sorted(first_bus.numbers() + second_bus.numbers()) == list(range(20)), (
        "each event once: one at a time relays"
    )
    for database in databases:
        database.dispose()
