"""How often an event is tried, and what does not count as a try."""

from __future__ import annotations

import json

import pytest

from services.chassis.db import DatabaseUnavailableError
from services.chassis.delivery import DELIVERY_LIMIT, OUTAGE_SECONDS, attempt
from services.chassis.event import Event
from tests.contract.consuming import happened


class Handler:
    """Fails as it is told, each failure once after so many seconds, and then does its work."""

    def __init__(self, *failures: Exception, seconds: float = 0.0) -> None:
        self.failures = list(failures)
        self.seconds = seconds
        self.tries = 0
        self.waited = 0.0

    def __call__(self, _: Event) -> None:
        self.tries += 1
        self.waited += self.seconds
        if self.failures:
            raise self.failures.pop(0)

    def pause(self, seconds: float) -> bool:
        self.waited += seconds
        return False


def away(times: int) -> list[Exception]:
    """A database that does not answer, so many times."""
    return [DatabaseUnavailableError("the database did not answer")] * times


def tried(handler: Handler) -> bool:
    return attempt(happened(1).encode(), handler, handler.pause, clock=lambda: handler.waited)


def test_a_database_that_is_away_for_a_while_makes_no_dead_letter() -> None:
    handler = Handler(*away(DELIVERY_LIMIT * 5))
    assert tried(handler)
    assert handler.tries == DELIVERY_LIMIT * 5 + 1


def test_what_fails_by_itself_is_set_aside_in_spite_of_outages_between() -> None:
    failures = [*away(3), *[LookupError("broken")] * (DELIVERY_LIMIT - 1), *away(3), LookupError("broken")]
    handler = Handler(*failures)
    assert not tried(handler)
    assert handler.tries == DELIVERY_LIMIT + 6


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_an_event_that_no_database_can_take_is_set_aside_in_the_end(seconds: float) -> None:
    """It looks like an outage, and must not stop the queue for ever, however long each try takes to fail."""
    handler = Handler(*away(10_000), seconds=seconds)
    assert not tried(handler)
    assert OUTAGE_SECONDS <= handler.waited < OUTAGE_SECONDS + (DELIVERY_LIMIT + 1) * (2 + seconds)


def test_what_passes_at_once_is_tried_again_at_once() -> None:
    """A deadlock's victim, or a moment without a free connection: nobody waits seconds for it."""
    handler = Handler(*away(1))
    assert tried(handler)
    assert handler.waited < 0.1


def test_that_an_event_waits_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(Handler(*away(3)))
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["event"], each["error"]) for each in logged] == [("event waits", "DatabaseUnavailableError")]


def test_a_stop_ends_the_wait_for_a_database() -> None:
    handler = Handler(*away(10))
    assert not attempt(happened(1).encode(), handler, lambda _: True)
    assert handler.tries == 1
