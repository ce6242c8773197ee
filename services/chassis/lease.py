"""Leases as a follower holds them: until when may this process act on what it has applied.

Owns the leases of one process on one feed, and their renewal. Refuses the time of day, and every moment but the one
at which a request was sent: an answer may be as old as the request, so that is when its lease begins. Specified in
`spec/feeds.md`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from . import logs, metrics
from .clock import Clock
from .db import DatabaseUnavailableError, DeadlineExceededError
from .failpoints import reach
from .feed_messages import LeaseAnswer, LeaseRequest
from .peer_http import HttpPeer, PeerUnavailableError
from .projection import Position, Projection, SnapshotCutShortError

# Three tries within a lease: one lost answer does not close the gate.
RENEWALS_A_LEASE = 3
# After a failure, and until the authority has said how long a lease is.
RETRY_SECONDS = 0.5
# What passes by itself: the loop goes on, and the older leases run out meanwhile.
_PASSING = (PeerUnavailableError, SnapshotCutShortError, DatabaseUnavailableError, DeadlineExceededError)


class LeasePeer(Protocol):
    """The authority, as a follower reaches it. Both raise `PeerUnavailableError`."""

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """Ask for a lease."""

    def snapshot(self) -> AbstractContextManager[Iterator[dict[str, Any]]]:
        """Ask for everything in force, a line at a time."""


class HttpLeasePeer:
    """The authority over HTTP."""

    def __init__(self, peer: HttpPeer) -> None:
        self._peer = peer

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        """See `LeasePeer.lease`."""
        response = self._peer.post("/v1/feed/leases", json=request.model_dump(mode="json"))
        if response.status_code != 200:
            raise PeerUnavailableError(self._peer.service)
        try:
            return LeaseAnswer.model_validate_json(response.content)
        except ValueError:  # not our authority, or not all of its answer
            raise PeerUnavailableError(self._peer.service) from None

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        """See `LeasePeer.snapshot`."""
        with self._peer.lines("/v1/feed/snapshot") as lines:
            yield (self._read(line) for line in lines)

    def _read(self, line: str) -> dict[str, Any]:
        try:
            fact = json.loads(line)
        except ValueError:
            fact = None
        if not isinstance(fact, dict):
            raise PeerUnavailableError(self._peer.service)
        return fact


@dataclass(frozen=True)
class Lease:
    """What was granted: act on the feed up to `seq`, until `expires` (seconds since boot).

    `incarnation` is of the follower's database for which it was asked: another may have lost what this one reported.
    """

    epoch: UUID
    seq: int
    expires: float
    incarnation: str | None = None

    def live(self, clock: Clock) -> bool:
        """Whether it still stands."""
        return clock.boottime() < self.expires


class LeaseHolder:
    """The leases of this process on one feed. Thread-safe."""

    def __init__(
        self, projection: Projection, peer: LeasePeer, clock: Clock, enforcement_point: UUID, *, time_bounded: bool
    ) -> None:
        self._projection = projection
        self._peer = peer
        self._clock = clock
        self._enforcement_point = enforcement_point
        self._time_bounded = time_bounded
        self._leases: list[Lease] = []
        self._lock = threading.Lock()
        self._poked = threading.Event()
        self._every = RETRY_SECONDS
        self._begun = False

    def usable(self, epoch: UUID, applied: int, incarnation: str | None = None) -> Lease | None:
        """The newest live lease of the epoch whose facts are all applied, or None.

        An older one counts until it ends. `incarnation` is of the database that is acted upon: a lease for another one
        never counts.
        """
        with self._lock:
            fitting = [
                lease
                for lease in self._leases
                if (lease.epoch, lease.incarnation) == (epoch, incarnation) and lease.seq <= applied
            ]
        live = [lease for lease in fitting if lease.live(self._clock)]
        return max(live, key=lambda lease: lease.expires, default=None)

    def poke(self) -> None:
        """Renew at once: something was applied and is to be reported, or something is missing."""
        self._poked.set()

    def renew(self) -> None:
        """Report, ask for a lease, and apply what the answer brings, until nothing is missing and all is reported.

        Raises `PeerUnavailableError`, `SnapshotCutShortError`, `DatabaseUnavailableError`; older leases still count.
        """
        while self._renew_once():
            pass

    def try_renew(self) -> bool:
        """Renew, if the authority answers; whether it did. What passes by itself is logged."""
        try:
            self.renew()
        except _PASSING as error:
            logs.logger("lease").warning("lease not renewed", feed=self._projection.name, error=type(error).__name__)
            return False
        return True

    def run(self, stop: threading.Event) -> None:
        """Renew until told to stop; after a failure, soon again."""
        self._begin()
        while not stop.is_set():
            pause = self._every if self.try_renew() else RETRY_SECONDS
            self._poked.wait(pause)
            self._poked.clear()

    def _begin(self) -> None:
        """What has no lease yet ages from here on. A loop that fails and is started again has renewed nothing by it."""
        if not self._begun:
            self._begun = True
            metrics.LEASE_RENEWED.labels(self._projection.name).set(self._clock.now().timestamp())

    def _renew_once(self) -> bool:
        """One request; whether another should follow at once, to report or to catch up."""
        position = self._projection.position()
        reach("lease.before_send")
        sent = self._clock.boottime()
        asked = self._clock.now()
        answer = self._peer.lease(self._request(position))
        metrics.FEED_LAG.labels(self._projection.name).set(answer.seq - position.applied)
        reach("lease.after_send")
        if answer.snapshot_required:
            self._drop_all_but(answer.epoch)
            with self._peer.snapshot() as lines:
                return self._projection.replace(lines, instead_of=position.epoch).changed
        self._keep(answer, sent, position.incarnation)
        metrics.LEASE_RENEWED.labels(self._projection.name).set(asked.timestamp())
        reach("lease.after_keep")
        return bool(answer.events) and self._projection.offer(answer.events).changed

    def _request(self, position: Position) -> LeaseRequest:
        return LeaseRequest(
            enforcement_point=self._enforcement_point,
            epoch=position.epoch,
            applied=position.applied,
            time_bounded=self._time_bounded,
        )

    def _drop_all_but(self, epoch: UUID) -> None:
        with self._lock:
            self._leases = [lease for lease in self._leases if lease.epoch == epoch]

    def _keep(self, answer: LeaseAnswer, sent: float, incarnation: str | None) -> None:
        if answer.lease_seconds is None:
            return
        self._every = answer.lease_seconds / RENEWALS_A_LEASE
        granted = Lease(answer.epoch, answer.seq, sent + answer.lease_seconds, incarnation)
        with self._lock:
            kept = [lease for lease in self._leases if lease.live(self._clock) and not _replaces(granted, lease)]
            self._leases = [*kept, granted]


def _replaces(newer: Lease, older: Lease) -> bool:
    """Whether the older one can be let go: whenever it would be usable, the newer one is, and for longer.

    One that asks for more to be applied replaces nothing, since that may not be applied here before the older one ends.
    """
    same = (newer.epoch, newer.incarnation) == (older.epoch, older.incarnation)
    return same and newer.seq <= older.seq and newer.expires >= older.expires
