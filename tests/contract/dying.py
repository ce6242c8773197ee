"""A process that dies in the middle: right after publishing, or right after handling an event.

Owns its own death. Refuses any clean-up, as a power cut would.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import UTC, datetime

from services.chassis.event import Event
from tests.contract.places import SUBSCRIPTION, TYPE, opened


def die(_: object = None) -> None:
    """At once."""
    os._exit(86)


if __name__ == "__main__":
    what, *address = sys.argv[1:]
    bus = opened(*address)
    if what == "publish":
        bus.publish([Event.create("test", TYPE, {"n": n}, time=datetime.now(UTC)) for n in range(3)])
        die()
    bus.consume(SUBSCRIPTION, die, threading.Event())
