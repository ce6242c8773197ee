"""What any bus does with what cannot be handled: it sets it aside, keeps it, and gives it back when asked."""

from __future__ import annotations

import threading

import pytest

from services.chassis import delivery
from services.chassis.bus import Bus
from services.chassis.delivery import DELIVERY_LIMIT
from services.chassis.event import Event
from tests.contract.consuming import consuming, happened, until
from tests.contract.places import QUEUE, SUBSCRIPTION, Place

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


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between tries, shortened; that they grow is tested by itself."""
    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.001)


def all_back(bus: Bus, dead: int) -> bool:
    """Whether what was looked at is in its queue again: a broker puts it back once it hears that the look is over."""
    return bus.depths([QUEUE])[QUEUE].dead == dead


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
        until(lambda: len(bus.dead_letters(QUEUE, limit=1)) == 1)
        until(lambda: all_back(bus, 2))
        broken.clear()
        assert bus.replay_dead_letters(QUEUE) == 2
        until(lambda: len(handled) == 2)
    assert sorted(handled) == [0, 1]  # a broker may give back what was looked at in another order
    assert bus.dead_letters(QUEUE) == []


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
        until(lambda: all_back(bus, 5))
        assert bus.replay_dead_letters(QUEUE) == 5
        until(lambda: len(bus.dead_letters(QUEUE)) == 5)


def test_looking_at_dead_letters_often_loses_none(bus: Bus, place: Place) -> None:
    bus.declare(SUBSCRIPTION)
    place.put_raw(b"kept")
    with consuming(bus, lambda _: None):
        until(lambda: bus.dead_letters(QUEUE))
    for _ in range(30):
        until(lambda: bus.dead_letters(QUEUE) == [b"kept"])
