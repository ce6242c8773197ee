"""How often an event is tried, and when it is set aside, on every bus alike.

Owns the limit, the pauses and the difference between an event that cannot be handled and a database that cannot answer.
Refuses to know a queue: what "set aside" comes to is the bus's affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from . import logs
from .db import DatabaseUnavailableError
from .event import Event, EventError

# How often one event may be tried before it is set aside as a dead letter for a person to look at.
DELIVERY_LIMIT = 8
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 2.0
# A database that is away is no fault of the event: it is waited for, longer than a restart or a fail-over takes, and
# less long than the half hour after which RabbitMQ takes an event from a consumer that keeps it. It ends, since what
# looks like an outage may be something else, and the queue stands still meanwhile.
OUTAGE_SECONDS = 300.0


def attempt(
    body: bytes,
    handler: Callable[[Event], None],
    pause: Callable[[float], object],
    traceparent: str | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Try an event up to the limit; whether it was handled. `traceparent` is of the trace that it belongs to.

    `pause` waits, and tells by a true value that it is time to stop. What fails because the database does not answer
    does not count as a try, until `OUTAGE_SECONDS` after the first one.
    """
    try:
        event = Event.decode(body).traced(traceparent)
    except EventError as error:
        logs.logger("bus").error("event set aside", error=type(error).__name__)
        return False
    tries, outages, began = 0, 0, clock()
    while (failure := _failure(handler, event)) is not None:
        if isinstance(failure, DatabaseUnavailableError) and clock() - began < OUTAGE_SECONDS:
            outages += 1
            if outages == 1:
                logs.logger("bus").warning("event waits", type=event.type, error=type(failure).__name__)
        else:
            tries += 1
        if tries == DELIVERY_LIMIT:
            stack = logs.stack_of(failure)
            logs.logger("bus").error("event set aside", type=event.type, error=type(failure).__name__, stack=stack)
            return False
        if pause(pause_after(tries + outages)):
            return False
    return True


def pause_after(tries: int) -> float:
    """Seconds to wait after the n-th failed try: doubled each time, up to a bound."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(tries - 1, 30), LONGEST_PAUSE_SECONDS)


def _failure(handler: Callable[[Event], None], event: Event) -> Exception | None:
    try:
        handler(event)
    except Exception as error:  # whatever a handler raises, the event is kept and tried again
        return error
    return None
