"""Named points between the steps of a protocol where a test can stop, delay or kill the process.

Owns the register of what is armed. Refuses to be armed but through `arm`, which only test settings call; unarmed, a
point costs one look-up in an empty dictionary.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

_armed: dict[str, Callable[[], None]] = {}


class FailpointReachedError(RuntimeError):
    """Raised where a failpoint was armed with `raise`."""


def reach(name: str) -> None:
    """Pass the point `name`: nothing happens unless a test armed it."""
    if action := _armed.get(name):
        action()


def arm(actions: Mapping[str, str | Callable[[], None]]) -> None:
    """Arm points by name: `exit`, `raise`, `sleep:SECONDS`, or a callable. Raises ValueError for another action."""
    for name, action in actions.items():
        _armed[name] = action if callable(action) else _named(name, action)


def disarm() -> None:
    """Forget every armed point."""
    _armed.clear()


def parse(text: str) -> dict[str, str]:
    """Read `name=action,name=action` as the test setting spells it. Raises ValueError for a part without `=`."""
    parts = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    for name, equals, _ in parts:
        if not equals or not name:
            raise ValueError(f"failpoint {name!r}: write name=action")
    return {name: action for name, _, action in parts}


def _named(name: str, action: str) -> Callable[[], None]:
    if action == "exit":
        return lambda: os._exit(86)  # no clean-up at all, as a power cut would
    if action == "raise":
        return lambda: _raise(name)
    kind, _, text = action.partition(":")
    if kind == "sleep":
        seconds = float(text)  # here, so that a wrong number is refused when it is armed and not when it is reached
        return lambda: time.sleep(seconds)
    raise ValueError(f"failpoint {name}: unknown action {action!r}; use exit, raise or sleep:SECONDS")


def _raise(name: str) -> None:
    raise FailpointReachedError(name)
