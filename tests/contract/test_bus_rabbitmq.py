"""What only a broker can do: go away, come back, and lose patience."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from services.chassis.bus import BusUnavailableError
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.event import Event
from tests.cable import Cable
from tests.contract.consuming import SECONDS, consuming, happened, until
from tests.contract.places import QUEUE, SUBSCRIPTION, TYPE, RabbitPlace


@pytest.fixture
def cable(amqp_url: str) -> Iterator[Cable]:
    """The way to the broker, which a test can cut."""
    broker = urlsplit(amqp_url)
    with Cable(broker.hostname or "127.0.0.1", broker.port or 5672) as cable:
        yield cable


@pytest.fixture
def bus(rabbit: RabbitPlace, cable: Cable) -> Iterator[RabbitBus]:
    """A bus at the end of the cable, with its queue."""
    broker = urlsplit(rabbit.url)
    bus = rabbit.open(broker._replace(netloc=f"guest:guest@127.0.0.1:{cable.port}").geturl())
    bus.declare(SUBSCRIPTION)
    yield bus
    bus.close()


def _event(n: int = 0) -> Event:
    return Event.create("test", TYPE, {"n": n}, time=datetime.now(UTC))


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def _at_once(work: Callable[[], object]) -> None:
    started = time.monotonic()
    work()
    assert time.monotonic() - started < 4.5


def test_a_broker_that_is_away_is_told_as_such() -> None:
    bus = RabbitBus("amqp://guest:guest@127.0.0.1:1/%2F")
    for ask in (
        lambda: bus.publish([_event()]),
        lambda: bus.declare(SUBSCRIPTION),
        lambda: bus.dead_letters(QUEUE),
        lambda: bus.replay_dead_letters(QUEUE),
    ):
        with pytest.raises(BusUnavailableError):
            ask()


def test_publishing_fails_while_the_broker_is_away_and_goes_on_when_it_is_back(bus: RabbitBus, cable: Cable) -> None:
    bus.publish([_event(0)])
    cable.cut()

    def refused() -> None:
        with pytest.raises(BusUnavailableError):
            bus.publish([_event(1)])

    _at_once(refused)
    _at_once(refused)
    cable.mend()
    bus.publish([_event(2)])
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: 2 in numbers)
    assert numbers == [0, 2]


def test_consuming_goes_on_when_the_broker_is_back(bus: RabbitBus, cable: Cable) -> None:
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        bus.publish([_event(0)])
        until(lambda: numbers == [0])
        cable.cut()
        time.sleep(0.6)  # at least one attempt to return fails
        cable.mend()
        bus.publish([_event(1)])
        until(lambda: 1 in numbers)
    assert numbers in ([0, 1], [0, 0, 1])  # the word that the first was handled may have been lost on its way


def test_an_event_comes_again_only_when_the_handler_that_lost_its_connection_is_done(
    bus: RabbitBus, cable: Cable
) -> None:
    """Two handlers at work beside each other would break the order of a feed."""
    at_work, most, seen = 0, 0, 0
    first = threading.Event()
    lock = threading.Lock()

    def slow(_: Event) -> None:
        nonlocal at_work, most, seen
        with lock:
            at_work, seen = at_work + 1, seen + 1
            most = max(most, at_work)
        first.set()
        time.sleep(1.5 if seen == 1 else 0)
        with lock:
            at_work -= 1

    with consuming(bus, slow):
        bus.publish([_event()])
        assert first.wait(SECONDS)
        cable.cut()
        cable.mend()
        until(lambda: seen == 2)
    assert most == 1


def test_a_handler_may_take_longer_than_the_broker_waits_for_a_heartbeat(rabbit: RabbitPlace) -> None:
    bus = rabbit.open()
    bus._consumer._parameters.heartbeat = 3
    bus.declare(SUBSCRIPTION)
    bus.publish([_event(0), _event(1)])
    numbers: list[int] = []

    def slow(event: Event) -> None:
        numbers.append(event.data["n"])
        time.sleep(8.0 if event.data["n"] == 0 else 0)

    with consuming(bus, slow):
        until(lambda: 1 in numbers)
    assert numbers == [0, 1]
    bus.close()


def test_a_broker_that_stays_away_costs_no_files() -> None:
    bus = RabbitBus("amqp://guest:guest@127.0.0.1:1/%2F")
    before = _open_files()
    for _ in range(30):
        with pytest.raises(BusUnavailableError):
            bus.publish([_event()])
    until(lambda: _open_files() <= before + 2)


def test_threads_may_publish_beside_each_other(bus: RabbitBus) -> None:
    threads = [
        threading.Thread(target=lambda k=k: bus.publish([_event(k * 100 + n) for n in range(50)])) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: len(numbers) == 200)
    for k in range(4):  # each batch in its own order
        assert [n for n in numbers if n // 100 == k] == [k * 100 + n for n in range(50)]


def test_the_dead_letters_queue_has_no_limit_of_its_own(bus: RabbitBus, rabbit: RabbitPlace) -> None:
    """RabbitMQ 4 drops a message of a quorum queue after 20 deliveries by default, and each look at it is one.

    RabbitMQ 3 has no default, so that the loss cannot be seen there; but it, too, refuses a declaration that differs.
    """
    with pika.BlockingConnection(pika.URLParameters(rabbit.url)) as connection:
        name = rabbit.topology.dead_queue(QUEUE)
        with pytest.raises(ChannelClosedByBroker, match="x-delivery-limit"):
            connection.channel().queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})


def test_only_the_bus_room_imports_pika() -> None:
    """The import rules say so as well; here without their tool."""
    found = subprocess.run(
        ["grep", "-rlE", "^(import|from) pika", "services"], capture_output=True, text=True, check=False
    ).stdout.split()
    assert found
    assert all(path.startswith("services/chassis/bus_rabbitmq/") for path in found)


def test_a_trace_goes_along_with_an_event_and_not_in_it(rabbit: RabbitPlace) -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    bus, got = rabbit.open(), list[Event]()
    bus.declare(SUBSCRIPTION)
    sent = [happened(1).traced(trace), happened(2)]
    bus.publish(sent)
    with consuming(bus, got.append):
        until(lambda: len(got) == 2)
    bus.close()
    assert [event.traceparent for event in got] == [trace, None]
    assert [event.encode() for event in got] == [event.encode() for event in sent]
