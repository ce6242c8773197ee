"""The directory's worker: `concord-server worker directory`.

Owns the loops beside the web: events out, suspensions settled, token keys rotated, the key log kept, old rows removed.
Refuses requests; the directory handles no events of others.
"""

from __future__ import annotations

from services.chassis import worker
from services.chassis.bus import Bus
from services.chassis.measures import Measures
from services.chassis.outbox import Relay
from services.chassis.process import Background

from . import measures, models, usecases
from .app import build
from .deps import Deps
from .log_keeper import Keeper
from .tokens import TokenKeys

# A suspension that nobody asks about any more still becomes effective, and is written down, about when it does.
SETTLE_SECONDS = 1.0
# Often enough that a new key is published ten minutes before it signs, give or take one of these.
ROTATE_SECONDS = 60.0
SWEEP_SECONDS = 60.0
# Well below the ten minutes that one count of a recovery's delay is worth at most (`rules.recovery_cases`).
RECOVERIES_SECONDS = 60.0


def start(deps: Deps, bus: Bus, background: Background) -> Measures:
    """Start every loop of this service's worker; what it can tell of the service."""
    relay = Relay(deps.database, bus, deps.notifier, deps.clock, models.Outbox)
    keys = TokenKeys(deps.database, deps.clock)
    background.start("directory relay", relay.run)
    background.start("directory key log", Keeper(deps).run)
    background.every("directory settle", SETTLE_SECONDS, deps.barrier.settle_pending)
    background.every("directory keys", ROTATE_SECONDS, keys.rotate)
    background.every("directory recoveries", RECOVERIES_SECONDS, lambda: usecases.count_recoveries(deps))
    background.every("directory sweep", SWEEP_SECONDS, lambda: sweep(deps))
    return measures.of(deps, bus)


def sweep(deps: Deps) -> None:
    """Remove what nothing needs any more."""
    with deps.database.transaction() as session:
        usecases.forget_used_assertions(session, deps.clock.now())
        usecases.forget_pairings(session, deps.clock.now())
        usecases.forget_recovery_guesses(session, deps.clock.now())
        usecases.forget_sign_ons(session, deps.clock.now())
        usecases.forget_ended_coverage(session, deps.clock.now())
    usecases.make_missing_listings(deps)
    deps.feed.forget_the_gone()


def main() -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    worker.run("directory", lambda settings, bus, background: start(build(settings), bus, background))
