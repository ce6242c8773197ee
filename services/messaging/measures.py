"""What an operator's dashboard reads of messaging: what waits, and for how long.

Owns the list. Refuses anything of a letter but that it waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis import measures
from services.chassis.bus import Bus
from services.chassis.measures import COUNTED_AT_MOST, Measure, Measures, gauge

from . import models, peers
from .app import Deps
from .models import HeldRow, LetterRow


def of(deps: Deps, bus: Bus) -> Measures:
    """The outbox, held letters, and the queue of both feeds."""
    return Measures("messaging", deps.database, deps.clock, FACTS, bus, (peers.QUEUE,))


def held(session: Session, now: datetime) -> Iterator[Metric]:
    """How many letters wait for the gate, and for how long the first one has."""
    some = select(HeldRow.n).limit(COUNTED_AT_MOST).subquery()
    yield gauge(
        "concord_held_letters",
        "Letters that wait for the gate",
        session.scalar(select(func.count()).select_from(some)) or 0,
    )
    oldest = select(LetterRow.accepted_at).join(HeldRow, HeldRow.letter == LetterRow.id).order_by(HeldRow.n).limit(1)
    since = session.scalar(oldest)
    age = 0.0 if since is None else max((now - since).total_seconds(), 0.0)
    yield gauge("concord_held_letters_oldest_seconds", "How long the first of them has waited", age)


FACTS: list[Measure] = [measures.outbox("messaging", models.Outbox), held]
