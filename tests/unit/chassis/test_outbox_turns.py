"""One relay a database, on PostgreSQL, whatever becomes of its connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from services.chassis import failpoints
from services.chassis.db import Database, DatabaseUnavailableError, create_all
from services.chassis.failpoints import FailpointReachedError
from services.chassis.outbox import Relay
from services.chassis.turn import Turn
from services.chassis.wake import LocalNotifier
from tests.fakes import FakeClock, RecordingBus
from tests.unit.chassis.plumbing import Base, Outbox, happened, recorded, running, until, waiting

HELD = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Processes:
    """One database, and as many processes on it as are asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.databases: list[Database] = []

    def another(self) -> Database:
        """What one more process has."""
        self.databases.append(Database(self.url))
        return self.databases[-1]

    def ask(self, query: str) -> object:
        """The first answer, on a connection that no process has."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
            return None if row is None else row[0]


@pytest.fixture
def processes(fresh_postgresql: Callable[[], str]) -> Iterator[Processes]:
    made = Processes(fresh_postgresql())
    create_all(made.another(), Base)
    yield made
    for database in made.databases:
        database.dispose()


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


def relay(database: Database, bus: RecordingBus) -> Relay:
    return Relay(database, bus, LocalNotifier(), FakeClock(), Outbox)


def _may_record(database: Database, n: int) -> bool:
    try:
        recorded(database, happened(n))
    except DatabaseUnavailableError:
        return False
    return True


def test_of_two_relays_one_works_and_the_other_takes_over(processes: Processes) -> None:
    ours, theirs = processes.another(), processes.another()
    first, second = RecordingBus(), RecordingBus()
    with running(relay(theirs, second).run):
        recorded(ours, happened(0))
        until(lambda: second.stored)
        with running(relay(ours, first).run):
            for n in range(5):
                recorded(ours, happened(n))
                time.sleep(0.3)
            until(lambda: waiting(ours) == 0)
            assert first.stored == []
    with running(relay(ours, first).run):
        recorded(ours, happened(9))
        until(lambda: first.stored)


def test_a_relay_goes_on_after_each_time_its_connections_were_lost(processes: Processes) -> None:
    database, bus = processes.another(), RecordingBus()
    with running(relay(database, bus).run):
        for n in range(3):
            until(lambda n=n: _may_record(database, n))  # type: ignore[misc]
            until(lambda n=n: n in {event.data["n"] for event in bus.stored})  # type: ignore[misc]
            processes.ask(END_SESSIONS)


def test_who_lost_the_connection_lost_the_turn(processes: Processes) -> None:
    mine, other = Turn(processes.another(), "work"), Turn(processes.another(), "work")
    assert mine.mine()
    assert not other.mine()
    processes.ask(END_SESSIONS)
    assert not mine.mine(), "it must not go on as if nothing had happened"
    until(other.mine)  # its own connection was ended as well
    assert not mine.mine()
    other.release()
    until(mine.mine)
    assert Turn(processes.another(), "other work").mine(), "each kind of work has a turn of its own"
    mine.release()


def test_a_turn_that_is_kept_is_given_up_as_a_whole(processes: Processes) -> None:
    mine, other = Turn(processes.another(), "work"), Turn(processes.another(), "work")
    assert [mine.mine() for _ in range(3)] == [True] * 3
    mine.release()
    until(other.mine)
    other.release()
    until(lambda: processes.ask(HELD) == 0)


def test_a_relay_that_failed_keeps_no_lock_on_a_connection_of_the_pool(processes: Processes) -> None:
    """Whoever got that connection next would have the turn without knowing, and nobody else would."""
    database, bus = processes.another(), RecordingBus()
    recorded(database, happened())
    failpoints.arm({"outbox.before_publish": "raise"})
    one = relay(database, bus)
    with pytest.raises(FailpointReachedError):
        one.run(threading.Event())
    failpoints.disarm()
    until(lambda: processes.ask(HELD) == 0)
    with running(one.run):
        until(lambda: bus.stored)


def test_a_relay_waits_for_a_database_that_is_away() -> None:
    database = Database("postgresql+psycopg://postgres@127.0.0.1:1/nowhere")
    failed: list[BaseException] = []

    def run(stop: threading.Event) -> None:
        try:
            relay(database, RecordingBus()).run(stop)
        except Exception as error:
            failed.append(error)

    with running(run):
        time.sleep(0.3)
    assert failed == []
