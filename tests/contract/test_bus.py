"""What any bus promises: at least once, in order, nothing dropped in silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from services.chassis import bus as contract
from services.chassis.bus import DELIVERY_LIMIT, Bus, Subscription, UnroutableError
from services.chassis.event import Event
from tests.contract.places import (
    OTHER,
    QUEUE,
    SECOND_QUEUE,
    SUBSCRIPTION,
    TYPE,
    Place,
    in_a_process_that_dies,
)

SECONDS = 15.0


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, shortened; that they grow is tested by itself."""
    monkeypatch.setattr(contract, "FIRST_PAUSE_SECONDS", 0.001)


def happened(number: int = 0, type_: str = TYPE, text: str = "Ärztin \u2028 \0 'quoted' \\ \U0001f9ea") -> Event:
    """An event with a text that an encoding could spoil."""
    return Event.create("test", type_, {"n": number, "text": text}, time=datetime.now(UTC))


@contextmanager
def consuming(
    bus: Bus, handler: Callable[[Event], None], subscription: Subscription = SUBSCRIPTION
) -> Iterator[threading.Event]:
    """A consumer in a thread, for the block."""
    stop = threading.Event()
    thread = threading.Thread(target=bus.consume, args=(subscription, handler, stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive(), "a consumer ends when it is told to"


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_what_is_published_arrives_as_it_was(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    sent = [happened(n) for n in range(3)]
    bus.publish(sent)
    received: list[Event] = []
    with consuming(bus, received.append):
        until(lambda: len(received) == 3)
    assert received == sent


def test_a_queue_keeps_the_order_of_a_large_batch(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(n) for n in range(300)])
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: len(numbers) == 300)
    assert numbers == list(range(300))


def test_an_event_of_another_type_does_not_arrive(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    with pytest.raises(UnroutableError) as refused:
        bus.publish([other := happened(type_=OTHER)])
    assert refused.value.event_ids == {other.id}


def test_one_unroutable_event_does_not_keep_the_others_back(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    stray = happened(1, OTHER)
    with pytest.raises(UnroutableError) as refused:
        bus.publish([happened(0), stray, happened(2)])
    assert refused.value.event_ids == {stray.id}
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: len(numbers) == 2)
    assert numbers == [0, 2]


def test_an_event_that_was_not_settled_comes_again(bus: Bus) -> None:
    """The consumer goes away in the middle of an event; the next one gets it."""
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(7)])
    seen: list[int] = []

    def fail_and_leave(event: Event) -> None:
        seen.append(event.data["n"])
        stop.set()
        raise RuntimeError("gone in the middle")

    with consuming(bus, fail_and_leave) as stop:
        until(lambda: seen)
    with consuming(bus, lambda event: seen.append(event.data["n"])):
        until(lambda: len(seen) == 2)
    assert seen == [7, 7]


def test_a_poisonous_event_is_set_aside_and_the_next_is_handled(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    poison = happened(1)
    bus.publish([poison, happened(2)])
    tries: list[int] = []

    def handle(event: Event) -> None:
        tries.append(event.data["n"])
        if event.data["n"] == 1:
            raise ValueError("poison")

    with consuming(bus, handle):
        until(lambda: 2 in tries)
        until(lambda: bus.dead_letters(QUEUE))
    assert tries == [1] * DELIVERY_LIMIT + [2]
    assert [Event.decode(body) for body in bus.dead_letters(QUEUE)] == [poison]


def test_dead_letters_are_looked_at_without_moving_and_come_back_when_replayed(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(n) for n in range(2)])
    broken = threading.Event()
    broken.set()
    handled: list[int] = []

    def handle(event: Event) -> None:
        if broken.is_set():
            raise ValueError("not now")
        handled.append(event.data["n"])

    with consuming(bus, handle):
        until(lambda: len(bus.dead_letters(QUEUE)) == 2)
        assert len(bus.dead_letters(QUEUE, limit=1)) == 1
        broken.clear()
        assert bus.replay_dead_letters(QUEUE) == 2
        until(lambda: len(handled) == 2)
    assert sorted(handled) == [0, 1]  # a broker may give back what was looked at in another order
    assert bus.dead_letters(QUEUE) == []


HOSTILE = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"null",
    b"{}",
    b'{"specversion":"1.0"}',
    b"[" * 5000,
    b'{"data":' * 5000,
    b"9" * 100_000,
    happened().encode()[:-1],
    happened().encode() + happened().encode(),
    happened().encode().replace(b'"1.0"', b'"0.3"'),
    happened().encode().replace(b'"data"', b'"date"'),
    b"x" * (5 << 20),
]


def test_bytes_that_are_no_event_are_set_aside_at_once_and_the_next_event_is_handled(bus: Bus, place: Place) -> None:
    bus.declare(SUBSCRIPTION)
    for body in HOSTILE:
        place.put_raw(body)
    bus.publish([happened(1)])
    handled: list[int] = []
    with consuming(bus, lambda event: handled.append(event.data["n"])):
        until(lambda: handled)
        until(lambda: len(bus.dead_letters(QUEUE)) == len(HOSTILE))
    assert handled == [1]
    assert sorted(bus.dead_letters(QUEUE)) == sorted(HOSTILE)


def test_replaying_what_nobody_can_handle_ends(bus: Bus, place: Place) -> None:
    """It is set aside again while the replay is still going on, and must not go round with it."""
    bus.declare(SUBSCRIPTION)
    for n in range(5):
        place.put_raw(b"%d" % n)
    with consuming(bus, lambda _: None):
        until(lambda: len(bus.dead_letters(QUEUE)) == 5)
        assert bus.replay_dead_letters(QUEUE) == 5
        until(lambda: len(bus.dead_letters(QUEUE)) == 5)


def test_looking_at_dead_letters_often_loses_none(bus: Bus, place: Place) -> None:
    bus.declare(SUBSCRIPTION)
    place.put_raw(b"kept")
    with consuming(bus, lambda _: None):
        until(lambda: bus.dead_letters(QUEUE))
    for _ in range(30):
        until(lambda: bus.dead_letters(QUEUE) == [b"kept"])


def test_large_events_arrive_whole(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    large = [happened(n, text="ß" * (3 << 20)) for n in range(2)]
    bus.publish(large)
    received: list[Event] = []
    with consuming(bus, received.append):
        until(lambda: len(received) == 2)
    assert received == large


def test_publishing_nothing_is_well(bus: Bus) -> None:
    bus.publish([])


def test_an_event_goes_to_every_queue_that_wants_its_type(bus: Bus) -> None:
    both = Subscription(SECOND_QUEUE, frozenset({TYPE, OTHER}))
    for _ in range(2):  # declaring again changes nothing
        bus.declare(SUBSCRIPTION)
        bus.declare(both)
    sent = [happened(0), happened(1, OTHER), happened(2)]
    bus.publish(sent)
    first: list[Event] = []
    second: list[Event] = []
    with consuming(bus, first.append), consuming(bus, second.append, both):
        until(lambda: len(first) == 2 and len(second) == 3)
    assert first == [sent[0], sent[2]]
    assert second == sent


def test_what_was_published_outlives_the_publisher(bus: Bus, place: Place) -> None:
    """The publisher dies in the moment in which `publish` returns."""
    bus.declare(SUBSCRIPTION)
    in_a_process_that_dies(place, "publish")
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: len(numbers) == 3)
    assert numbers == [0, 1, 2]


def test_an_event_whose_consumer_dies_after_handling_it_comes_again(bus: Bus, place: Place) -> None:
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(0), happened(1)])
    for _ in range(2):
        in_a_process_that_dies(place, "consume")
    numbers: list[int] = []
    with consuming(bus, lambda event: numbers.append(event.data["n"])):
        until(lambda: len(numbers) == 2)
    assert numbers == [0, 1]


def test_a_consumer_ends_within_a_second_also_between_two_tries(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "FIRST_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(contract, "LONGEST_PAUSE_SECONDS", 60.0)
    bus.declare(SUBSCRIPTION)
    bus.publish([happened()])
    tried = threading.Event()

    def fail(_: Event) -> None:
        tried.set()
        raise ValueError("again, please")

    with consuming(bus, fail) as stop:
        assert tried.wait(SECONDS)
        stop.set()
        ended = time.monotonic()
    assert time.monotonic() - ended < 1.0
    assert bus.dead_letters(QUEUE) == []


def test_one_consumer_works_at_a_time_and_the_next_takes_over(bus: Bus) -> None:
    bus.declare(SUBSCRIPTION)
    first: list[int] = []
    second: list[int] = []
    with consuming(bus, lambda event: second.append(event.data["n"])):
        bus.publish([happened(0)])
        until(lambda: second == [0])
        with consuming(bus, lambda event: first.append(event.data["n"])):
            bus.publish([happened(1)])
            until(lambda: second == [0, 1])
            assert first == []
    with consuming(bus, lambda event: first.append(event.data["n"])):
        bus.publish([happened(2)])
        until(lambda: first == [2])


def test_several_waiting_events_may_be_handled_at_once_and_poison_among_them_is_set_aside_alone(bus: Bus) -> None:
    """Whether a bus hands over one or several is its own affair; what was handled and what was set aside is not."""
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(n) for n in range(40)])
    handled: list[int] = []

    def one(event: Event) -> None:
        if event.data["n"] == 20:
            raise ValueError("poison")
        handled.append(event.data["n"])

    def several(events: Sequence[Event]) -> None:
        if any(event.data["n"] == 20 for event in events):
            raise ValueError("poison among them")
        handled.extend(event.data["n"] for event in events)

    stop = threading.Event()
    thread = threading.Thread(target=bus.consume, args=(SUBSCRIPTION, one, stop), kwargs={"several": several})
    thread.start()
    until(lambda: len(handled) == 39)
    until(lambda: bus.dead_letters(QUEUE))
    stop.set()
    thread.join(SECONDS)
    assert handled == [n for n in range(40) if n != 20]
    assert [Event.decode(body).data["n"] for body in bus.dead_letters(QUEUE)] == [20]


def test_the_pause_between_tries_grows_and_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    pauses = [contract.pause_after(tries) for tries in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[1] == 2 * pauses[0]
    assert pauses[-1] == contract.LONGEST_PAUSE_SECONDS
