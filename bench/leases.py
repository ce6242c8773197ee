"""What leases cost an authority as more processes follow it, and what a barrier costs as more enforcement points do.

Owns one authority on a database of its own, asked in this process. Refuses HTTP: what a request costs there is measured
in `letters.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import make_url, text

from services.chassis import migrate
from services.chassis.barrier import Barrier
from services.chassis.clock import SystemClock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.feed import Feed, Number
from services.chassis.feed_messages import LeaseRequest
from services.chassis.lease import RENEWALS_A_LEASE
from services.chassis.wake import LocalNotifier
from services.consent import models

POINTS = (1, 10, 100, 1000)
THREADS = 8
SECONDS = 3.0


def measure(postgresql_url: str) -> dict[str, float]:
    """Leases granted a second against bare commits; processes that fit; a barrier's look by enforcement points."""
    name = f"concord_bench_{uuid4().hex[:10]}"
    url = make_url(postgresql_url)
    server = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            said = url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
            database = Database(said)
            migrate.upgrade(database, "consent")
            figures = _figures(database)
            database.dispose()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    return figures


def _figures(database: Database) -> dict[str, float]:
    settings = Settings(
        service="consent",
        database_url=database.url.render_as_string(hide_password=False),
        base_url="http://bench.test",
        service_key_file=Path("none"),
        service_keys_file=Path("none"),
    )
    feed = Feed(database, LocalNotifier(), SystemClock(), settings, models)
    epoch = feed.new_epoch()
    with database.transaction() as session:
        session.execute(text("CREATE TABLE bare (n int PRIMARY KEY, v int)"))
        session.execute(text("INSERT INTO bare SELECT n, 0 FROM generate_series(1, 64) n"))
    commits = _rate(lambda n: _commit(database, n))
    leases = _rate(lambda n: feed.grant(_request(UUID(int=n + 1), epoch)))
    figures = {
        "leases_granted_per_second": leases,
        "lease_grants_of_bare_commits": leases / commits,
        "processes_that_one_authority_can_lease_to": leases * settings.lease_seconds / RENEWALS_A_LEASE,
    }
    return figures | {f"barrier_look_ms_{count}_points": _look(feed, epoch, count) for count in POINTS}


def _look(feed: Feed, epoch: UUID, points: int) -> float:
    for n in range(points):
        feed.grant(_request(UUID(int=n + 1), epoch))
    with feed.database.transaction() as session:
        event = feed.append(session, "care.concord.consent.revoked.v1", str(uuid4()), {})
    barrier = Barrier(feed, SystemClock())
    began, looks = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS / 3:
        barrier.effective(Number.of(event))
        looks += 1
    return 1000 * (time.perf_counter() - began) / looks


def _request(point: UUID, epoch: UUID) -> LeaseRequest:
    return LeaseRequest(enforcement_point=point, epoch=epoch, applied=0, time_bounded=True)


def _commit(database: Database, n: int) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE bare SET v = v + 1 WHERE n = :n"), {"n": n + 1})


def _rate(work: Callable[[int], object]) -> float:
    """How often a second, from several threads; each hands its own number to the work."""
    end, counts = time.perf_counter() + SECONDS, [0] * THREADS

    def run(n: int) -> None:
        while time.perf_counter() < end:
            work(n)
            counts[n] += 1

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


if __name__ == "__main__":
    from tests import real

    for what, value in measure(real.POSTGRESQL).items():
        print(f"{what} {value:.2f}")
