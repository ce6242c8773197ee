"""What an operator's dashboard reads of the directory. Owns the list; refuses anything of a person."""

from __future__ import annotations

from services.chassis import measures
from services.chassis.bus import Bus
from services.chassis.measures import Measure, Measures

from . import models
from .deps import Deps

FACTS: list[Measure] = [measures.outbox("directory", models.Outbox), measures.pending("directory", models.FeedEvent)]


def of(deps: Deps, bus: Bus) -> Measures:
    """The outbox, and suspensions and revocations of devices that are on their way."""
    return Measures("directory", deps.database, deps.clock, FACTS, bus, ())
