"""What a follower and an authority say to each other about a lease.

Owns the shapes of the request and its answer. Refuses rules: those are in `feed.py`, `barrier.py` and `lease.py`.
Specified in `spec/feeds.md`.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from .event import Event
from .web import Body


class LeaseRequest(Body):
    """An enforcement point reports how far it has applied the feed, and asks for a lease.

    `epoch` is None while nothing was ever applied. `time_bounded`: its database ends a transaction at the deadline by
    itself, so the passing of time may stand for a report.
    """

    enforcement_point: UUID
    epoch: UUID | None = None
    applied: int = Field(ge=0, le=2**53)
    time_bounded: bool


class LeaseAnswer(BaseModel):
    """A lease on everything up to `seq`, or, with `snapshot_required`, none.

    `lease_seconds` count from the moment at which the request was sent. `events` are the first of those after
    `applied`, in order.
    """

    model_config = ConfigDict(frozen=True)
    epoch: UUID
    seq: int
    lease_seconds: float | None
    snapshot_required: bool
    events: list[Event]
