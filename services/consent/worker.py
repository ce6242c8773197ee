"""The consent service's worker: `concord-server worker consent`.

Owns the loops beside the web: events out, events in, revocations settled, old rows removed. Refuses requests.
"""

from __future__ import annotations

from services.chassis import worker
from services.chassis.bus import Bus, Subscription
from services.chassis.inbox import Inbox
from services.chassis.measures import Measures
from services.chassis.outbox import Relay
from services.chassis.process import Background

from . import account, account_check, evidence, measures, models, notices, upkeep
from .account_alarm import Alarm
from .account_peer import Messaging
from .account_reconcile import Reconciler
from .app import Deps, build
from .patient_page import guesses, sessions

# A revocation that nobody asks about any more still becomes effective, and is written down, about when it does.
SETTLE_SECONDS = 1.0
SWEEP_SECONDS = 600.0
# At the start, which is when the table of elements can have changed; then for what an older process still put in force.
JUDGE_SECONDS = 3600.0
REMIND_SECONDS = 300.0
# A line that came too early waits about this long for the ones in front of it.
GAP_SECONDS = 1.0
# One page of patients each time: what the bus lost without a trace is found within a round through all of them.
COUNT_SECONDS = 5.0
CHECK_SECONDS = 24 * 3600.0


def start(deps: Deps, bus: Bus, background: Background) -> Measures:
    """Start every loop of this service's worker; what it can tell of the service."""
    inbox = Inbox(deps.database, deps.clock, {**account.HANDLERS, **notices.HANDLERS}, models.Inbox)
    relay = Relay(deps.database, bus, deps.notifier, deps.clock, models.Outbox)
    letters = Subscription(measures.QUEUE, inbox.types)
    background.start("consent relay", relay.run)
    handle_all = deps.alarms.watched(inbox.handle_all)
    background.start(
        "consent account",
        lambda stop: bus.consume(letters, lambda event: handle_all([event]), stop, several=handle_all),
    )
    reconciler = Reconciler(deps.database, Messaging(deps.messaging), deps.alarms)
    background.every("consent account gaps", GAP_SECONDS, reconciler.close_gaps)
    background.every("consent account counts", COUNT_SECONDS, reconciler.compare)
    background.every("consent account check", CHECK_SECONDS, lambda: check_account(deps))
    background.every("consent settle", SETTLE_SECONDS, deps.barrier.settle_pending)
    background.every("consent law", JUDGE_SECONDS, lambda: upkeep.judge_anew(deps.collaborators))
    background.every("consent reminders", REMIND_SECONDS, lambda: upkeep.remind(deps.collaborators))
    background.every("consent sweep", SWEEP_SECONDS, lambda: sweep(deps, inbox))
    return measures.of(deps, bus)


def check_account(deps: Deps) -> None:
    """Look whether the account is what was recorded; an alarm for all that is not."""
    for finding in account_check.check(deps.database, deps.account_key).findings:
        deps.alarms.raise_(Alarm.CHANGED, f"{finding.where}: {finding.what}")


def sweep(deps: Deps, inbox: Inbox) -> None:
    """Remove what nothing needs any more."""
    evidence.sweep(deps.collaborators)
    with deps.database.transaction() as session:
        sessions.sweep(session, deps.clock.now())
        guesses.sweep(session, deps.clock.now())
    inbox.prune()
    deps.feed.forget_the_gone()


def main() -> None:
    """Run until told to stop. Raises pydantic's `ValidationError` for settings that are missing."""
    worker.run("consent", lambda settings, bus, background: start(build(settings), bus, background))
