"""Events to send, and consumers to receive them, for the tests of both buses.

Owns no promise of a bus. Refuses to wait for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from services.chassis.bus import Bus, Subscription
from services.chassis.event import Event
from tests.contract.places import SUBSCRIPTION, TYPE

SECONDS = 40.0


def happened(number: int = 0, type_: str = TYPE, text: str = "Ärztin \u2028 \0 'quoted' \\ \U0001f9ea") -> Event:
    """An event with a text that an encoding could spoil."""
    return Event.create("test", type_, {"n": number, "text": text}, time=datetime.now(UTC))


@contextmanager
def consuming(
    bus: Bus,
    handler: Callable[[Event], None],
    subscription: Subscription = SUBSCRIPTION,
    stop: threading.Event | None = None,
) -> Iterator[threading.Event]:
    """A consumer in a thread, for the block.

    A handler that ends its own consumer brings `stop` along: it may be called before the block has begun.
    """
    stop = stop or threading.Event()
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
