"""Failpoints: nothing unless a test armed them, and then exactly what it asked for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis import failpoints
from services.chassis.failpoints import FailpointReachedError, parse, reach

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def test_an_unarmed_point_is_passed() -> None:
    failpoints.arm({"there": "raise"})
    reach("here")


def test_an_armed_point_raises_until_it_is_disarmed() -> None:
    failpoints.arm({"here": "raise"})
    for _ in range(2):
        with pytest.raises(FailpointReachedError, match="here"):
            reach("here")
    failpoints.disarm()
    reach("here")


def test_a_point_may_delay_or_do_what_a_test_gives_it() -> None:
    done: list[int] = []
    failpoints.arm({"slow": "sleep:0.2", "own": lambda: done.append(1)})
    started = time.monotonic()
    reach("slow")
    assert time.monotonic() - started >= 0.2
    reach("own")
    assert done == [1]


def test_exit_ends_the_process_without_any_clean_up() -> None:
    program = """
import atexit
from services.chassis import failpoints
atexit.register(print, "cleaned up")
failpoints.arm({"here": "exit"})
try:
    failpoints.reach("here")
finally:
    print("cleaned up")
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (86, b"")


@pytest.mark.parametrize("action", ["", "explode", "sleep", "sleep:", "sleep:soon", "RAISE"])
def test_an_action_that_does_not_exist_is_refused_when_it_is_armed(action: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        failpoints.arm({"here": action})


def test_a_setting_is_read_as_it_is_spelled() -> None:
    assert parse("") == {}
    assert parse("a=raise, b=sleep:0.5,") == {"a": "raise", "b": "sleep:0.5"}


@pytest.mark.parametrize("text", ["a", "=raise", "a=raise,b"])
def test_a_setting_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name=action"):
        parse(text)
