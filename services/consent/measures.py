"""What an operator's dashboard reads of the consent service. Owns the list; refuses anything of a patient."""

from __future__ import annotations

from services.chassis import measures
from services.chassis.bus import Bus
from services.chassis.measures import Measure, Measures

from . import account_alarm, models
from .app import Deps

QUEUE = "consent"
FACTS: list[Measure] = [
    measures.outbox("consent", models.Outbox),
    measures.pending("consent", models.FeedEvent),
    account_alarm.measure,
]


def of(deps: Deps, bus: Bus) -> Measures:
    """The outbox, revocations that are on their way, alarms of the account, and the queue of letters' events."""
    return Measures("consent", deps.database, deps.clock, FACTS, bus, (QUEUE,))
