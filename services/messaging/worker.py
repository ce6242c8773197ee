"""Messaging's worker: `concord-server worker messaging`.

Owns the loops beside the web: events out, both feeds in, held letters settled, abandoned uploads swept, letters
deleted when their time is over. Refuses requests.
"""

from __future__ import annotations

import threading

from services.chassis import worker
from services.chassis.bus import Bus
from services.chassis.measures import Measures
from services.chassis.outbox import Relay
from services.chassis.process import Background

from . import measures, models, peers
from .app import Deps, build, follow
from .retention import Policy, Retention

# How soon a held letter goes once the gate is open again; also how often it is looked whether one has expired.
HELD_SECONDS = 0.5
SWEEP_SECONDS = 600.0
# What is told of letters goes into accounts, and nobody waits for it: in larger batches it costs a tenth.
GATHER_SECONDS = 0.1


def start(deps: Deps, bus: Bus, background: Background) -> Measures:
    """Start every loop of this service's worker; what it can tell of the service."""
    follow(deps, background)
    relay = Relay(deps.database, bus, deps.notifier, deps.clock, models.Outbox, gather=GATHER_SECONDS)
    background.start("messaging relay", relay.run)
    background.start(
        "messaging feeds",
        lambda stop: bus.consume(peers.SUBSCRIPTION, lambda event: peers.take(deps.followers, event), stop),
    )
    background.start("messaging held", lambda stop: settle_held(deps, stop))
    background.every("messaging sweep", SWEEP_SECONDS, deps.desk.intake.sweep)
    retention = Retention(deps.database, deps.clock, Policy.of(deps.settings))
    background.every("messaging retention", SWEEP_SECONDS, retention.apply)
    return measures.of(deps, bus)


def settle_held(deps: Deps, stop: threading.Event) -> None:
    """Settle held letters until told to stop."""
    with deps.notifier.listening("held") as bell:
        while not stop.is_set():
            deps.desk.held.expire_due()
            if not deps.desk.held.release_due():
                bell.wait(HELD_SECONDS)


def main() -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    worker.run("messaging", lambda settings, bus, background: start(build(settings), bus, background))
