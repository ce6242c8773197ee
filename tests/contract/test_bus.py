"""What any bus promises: at least once, in order, nothing dropped in silence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

import pytest

from services.chassis import delivery
from services.chassis.bus import Bus, Subscription, UnroutableError
from services.chassis.event import Event
from tests.contract.consuming import SECONDS, consuming, happened, until
from tests.contract.places import (
    OTHER,
    QUEUE,
    SECOND_QUEUE,
    SUBSCRIPTION,
    TYPE,
    Place,
    in_a_process_that_dies,
)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, shortened; that they grow is tested by itself."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.001)


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
    stop = threading.Event()

    def fail_and_leave(event: Event) -> None:
        seen.append(event.data["n"])
        stop.set()
        raise RuntimeError("gone in the middle")

    with consuming(bus, fail_and_leave, stop=stop):
        until(lambda: seen)
    with consuming(bus, lambda event: seen.append(event.data["n"])):
        until(lambda: len(seen) == 2)
    assert seen == [7, 7]


def test_why_an_event_was_set_aside_is_logged_and_nothing_of_it(bus: Bus, capsys: pytest.CaptureFixture[str]) -> None:
    bus.declare(SUBSCRIPTION)
    bus.publish([happened(7, text="Erika Mustermann")])

    def fail(_: Event) -> None:
        raise LookupError("Erika Mustermann")

    with consuming(bus, fail):
        until(lambda: bus.depths([QUEUE])[QUEUE].dead)
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "set aside" in line]
    assert [(each["type"], each["error"]) for each in logged] == [(TYPE, "LookupError")]
    assert "Erika" not in json.dumps(logged)


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


def test_a_consumer_ends_at_once_also_between_two_tries(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 160.0)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE_SECONDS", 160.0)
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
    assert time.monotonic() - ended < SECONDS  # a quarter of the pause: it did not wait for the next try
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
    try:
        until(lambda: len(handled) == 39)
        until(lambda: bus.dead_letters(QUEUE))
    finally:
        stop.set()
        thread.join(SECONDS)
    assert handled == [n for n in range(40) if n != 20]
    assert [Event.decode(body).data["n"] for body in bus.dead_letters(QUEUE)] == [20]


def test_the_pause_between_tries_grows_and_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    pauses = [delivery.pause_after(tries) for tries in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[1] == 2 * pauses[0]
    assert pauses[-1] == delivery.LONGEST_PAUSE_SECONDS
