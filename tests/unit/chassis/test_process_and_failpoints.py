"""Loops that go on after a failure, and failpoints that only tests can arm."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from services.chassis import failpoints, process
from services.chassis.event import Event, EventError
from services.chassis.failpoints import FailpointReachedError
from services.chassis.process import Background
from tests.unit.chassis.plumbing import happened


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def test_a_loop_that_fails_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_SECONDS", 0.01)
    runs: list[int] = []
    again = threading.Event()

    def loop(stop: threading.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise RuntimeError("fails twice")
        again.set()
        stop.wait()

    background = Background()
    background.start("loop", loop)
    assert again.wait(5)
    background.stop()
    assert len(runs) == 3


def test_what_is_done_now_and_then_stops_when_told() -> None:
    count: list[int] = []
    background = Background()
    background.every("count", 0.01, lambda: count.append(1))
    time.sleep(0.2)
    background.stop()
    after = len(count)
    assert after >= 2
    time.sleep(0.05)
    assert len(count) == after


def test_an_unarmed_failpoint_does_nothing() -> None:
    failpoints.reach("anywhere")


def test_an_armed_failpoint_raises_waits_or_calls() -> None:
    called: list[str] = []
    failpoints.arm({"a": "raise", "b": "sleep:0.05", "c": lambda: called.append("c")})
    with pytest.raises(FailpointReachedError):
        failpoints.reach("a")
    started = time.monotonic()
    failpoints.reach("b")
    assert time.monotonic() - started >= 0.05
    failpoints.reach("c")
    assert called == ["c"]


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match="use exit, raise or sleep"):
        failpoints.arm({"a": "explode"})


def test_the_test_setting_is_read() -> None:
    assert failpoints.parse("a=exit,b=sleep:1") == {"a": "exit", "b": "sleep:1"}
    assert failpoints.parse("") == {}


def test_an_event_comes_back_from_its_bytes_as_it_was() -> None:
    event = happened(3)
    assert Event.decode(event.encode()) == event


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"specversion":"0.3"}', b"\xff", b"[" * 10000])
def test_bytes_that_are_no_event_are_refused(body: bytes) -> None:
    with pytest.raises(EventError):
        Event.decode(body)


def test_an_event_with_a_member_we_do_not_know_is_refused() -> None:
    body = happened(1).encode().replace(b'{"specversion"', b'{"dataschema":"x","specversion"')
    with pytest.raises(EventError):
        Event.decode(body)
