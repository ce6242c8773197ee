"""What messaging asks of others: to be told of consents and of the directory, under a lease.

Owns the two followers of one process, and this database's id towards them. Refuses questions about single letters:
the gate decides on what is known here, and asks for no more than what comes next in a feed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError

from services.chassis import logs
from services.chassis.bus import Subscription
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.inbox import Handler
from services.chassis.lease import Lease, LeaseHolder, LeasePeer
from services.chassis.projection import LoadSnapshot, Projection, UnknownFactError

from . import projections
from .events import CONSENT_HANDLERS, DIRECTORY_HANDLERS
from .models import EnforcementPoint, FeedPosition

QUEUE = "messaging"
# Between two requests of one process that somebody's letter brought about, and the most that such a letter waits for.
CATCH_UP_SECONDS = 0.05
# The bus is the fast path of both feeds; whatever it loses or repeats, the leases make good.
SUBSCRIPTION = Subscription(QUEUE, frozenset(CONSENT_HANDLERS) | frozenset(DIRECTORY_HANDLERS))
_FOLLOWED: Mapping[str, tuple[Mapping[str, Handler], LoadSnapshot]] = {
    "consent": (CONSENT_HANDLERS, projections.load_consents),
    "directory": (DIRECTORY_HANDLERS, projections.load_directory),
}


def projection_of(feed: str, database: Database) -> Projection:
    """A feed as it is applied to one database."""
    apply, load_snapshot = _FOLLOWED[feed]
    return Projection(feed, database, apply, load_snapshot, FeedPosition, projections.take_turns)


class Follower:
    """One feed, as one process follows it: the projection of this database, and leases of the process's own."""

    def __init__(self, feed: str, database: Database, peer: LeasePeer, clock: Clock) -> None:
        self._projection = projection_of(feed, database)
        self._database = database
        self._peer = peer
        self._clock = clock
        self._holder: LeaseHolder | None = None
        self._catching_up = threading.Lock()
        self._caught_up = 0
        self._not_before = 0.0

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

    def catch_up(self) -> None:
        """Apply what the authority has told by now. When it does not answer, nothing changes.

        One request at a time, and not before the last one is some time ago: whoever asks meanwhile takes what the next
        one brings, so that a flood of letters to made-up recipients is no flood of requests.
        """
        begun = self._caught_up
        with self._catching_up:
            if self._caught_up > begun or self._holder is None:
                return
            self._let_time_pass()
            self._caught_up += 1
            try:
                self._holder.try_renew()
            except (UnknownFactError, LookupError, ValueError):  # of a type, or of a form, that is not known here
                logs.logger("lease").warning("not caught up", feed=self._projection.name)

    def _let_time_pass(self) -> None:
        """A request for a lease locks the authority's feed; anybody who is signed in can bring about one here."""
        left = self._not_before - self._clock.boottime()
        if left > 0:
            time.sleep(min(left, CATCH_UP_SECONDS))
        self._not_before = self._clock.boottime() + CATCH_UP_SECONDS

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
