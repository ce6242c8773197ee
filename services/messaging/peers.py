"""What messaging asks of others: to be told of consents and of the directory, under a lease.

Owns the two followers of one process, and this database's id towards them. Refuses questions about single letters:
the gate decides on what is known here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError

from services.chassis.bus import Subscription
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.inbox import Handler
from services.chassis.lease import Lease, LeaseHolder, LeasePeer
from services.chassis.projection import LoadSnapshot, Projection

from . import projections
from .events import CONSENT_HANDLERS, DIRECTORY_HANDLERS
from .models import EnforcementPoint, FeedPosition

QUEUE = "messaging"
# The bus is the fast path of both feeds; whatever it loses or repeats, the leases make good.
SUBSCRIPTION = Subscription(QUEUE, frozenset(CONSENT_HANDLERS) | frozenset(DIRECTORY_HANDLERS))
_FOLLOWED: Mapping[str, tuple[Mapping[str, Handler], LoadSnapshot]] = {
    "consent": (CONSENT_HANDLERS, projections.load_consents),
    "directory": (DIRECTORY_HANDLERS, projections.load_directory),
}


class Follower:
    """One feed, as one process follows it: the projection of this database, and leases of the process's own."""

    def __init__(self, feed: str, database: Database, peer: LeasePeer, clock: Clock) -> None:
        apply, load_snapshot = _FOLLOWED[feed]
        self._projection = Projection(feed, database, apply, load_snapshot, FeedPosition)
        self._database = database
        self._peer = peer
        self._clock = clock
        self._holder: LeaseHolder | None = None

    def usable(self, epoch: UUID, applied: int, incarnation: str | None) -> Lease | None:
        """The newest live lease, for this incarnation of the database, whose facts are all applied, or None."""
        return None if self._holder is None else self._holder.usable(epoch, applied, incarnation)

    def run(self, stop: threading.Event) -> None:
        """Keep leases until told to stop.

        The database is asked for its id here, so that a web process can start before it.
        """
        self._the_holder().run(stop)

    def renew(self) -> None:
        """Ask for a lease now. Raises `PeerUnavailableError`."""
        self._the_holder().renew()

    def take(self, event: Event) -> None:
        """An event from the bus:

        Apply it if it is the next, and report at once; ask for what is missing if it is not.
        """
        position = self._projection.offer([event])
        if self._holder and (position.changed or position.gap or position.epoch != event.epoch):
            self._holder.poke()

    def _the_holder(self) -> LeaseHolder:
        if self._holder is None:
            # Only PostgreSQL ends a transaction whose process stands still, so only there may the passing of time stand
            # for a report.
            bounded = self._database.is_postgresql
            point = enforcement_point(self._database)
            self._holder = LeaseHolder(self._projection, self._peer, self._clock, point, time_bounded=bounded)
        return self._holder


def take(followers: Mapping[str, Follower], event: Event) -> None:
    """Hand an event from the bus to the follower of the feed it came from. Raises KeyError for another source."""
    followers[event.source].take(event)


def enforcement_point(database: Database) -> UUID:
    """This database's id towards the authorities, made at its first use and kept for ever."""
    try:
        with database.transaction() as session:
            if (known := session.get(EnforcementPoint, 1)) is not None:
                return known.id
            made = uuid4()
            session.add(EnforcementPoint(single=1, id=made))
        return made
    except IntegrityError:  # another process was first
        return enforcement_point(database)
