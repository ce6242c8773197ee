"""The consent service's worker: `concord-server worker consent`.

Owns the loops beside the web: events out, events in, revocations settled, old rows removed. Refuses requests.
"""

from __future__ import annotations

from services.chassis import worker
from services.chassis.bus import Bus, Subscription
from services.chassis.inbox import Inbox
from services.chassis.outbox import Relay
from services.chassis.process import Background

from . import account, evidence, models
from .app import Deps, build

QUEUE = "consent"
# A revocation that nobody asks about any more still becomes effective, and is written down, about when it does.
SETTLE_SECONDS = 1.0
SWEEP_SECONDS = 600.0


def start(deps: Deps, bus: Bus, background: Background) -> None:
    """Start every loop of this service's worker."""
    inbox = Inbox(deps.database, deps.clock, account.HANDLERS, models.Inbox)
    relay = Relay(deps.database, bus, deps.notifier, deps.clock, models.Outbox)
    letters = Subscription(QUEUE, inbox.types)
    background.start("consent relay", relay.run)
    background.start("consent account", lambda stop: bus.consume(letters, inbox.handle, stop, several=inbox.handle_all))
    background.every("consent settle", SETTLE_SECONDS, deps.barrier.settle_pending)
    background.every("consent sweep", SWEEP_SECONDS, lambda: sweep(deps, inbox))


def sweep(deps: Deps, inbox: Inbox) -> None:
    """Remove what nothing needs any more."""
    evidence.sweep(deps.collaborators)
    inbox.prune()
    deps.feed.forget_the_gone()


def main() -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    worker.run("consent", lambda settings, bus, background: start(build(settings), bus, background))
