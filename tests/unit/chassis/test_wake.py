"""Bells: no ring between looking and waiting is lost, in this process and in others."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from services.chassis.db import Database
from services.chassis.wake import Bell, LocalNotifier, Notifier, PostgresNotifier, start_notifier
from tests.unit.chassis.plumbing import SECONDS, until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def notifier(database: Database) -> Iterator[Notifier]:
    """The notifier that fits each kind of database."""
    made = start_notifier(database)
    yield made
    made.close()


@pytest.fixture
def postgresql(fresh_postgresql: Callable[[], str]) -> str:
    """The address of a database, as the driver spells it."""
    return fresh_postgresql().replace("+psycopg", "")


@pytest.fixture
def two(postgresql: str) -> Iterator[tuple[PostgresNotifier, PostgresNotifier]]:
    """What two processes have of one database."""
    pair = PostgresNotifier(postgresql), PostgresNotifier(postgresql)
    yield pair
    for each in pair:
        each.close()


def heard(notifier: Notifier, *bells: Bell) -> None:
    """Let it settle: on PostgreSQL it rings once when it begins to listen, since it cannot know what it missed."""
    if isinstance(notifier, PostgresNotifier):
        bells[0].wait(SECONDS)  # in vain if it began before the bell was there
        while any(bell.wait(0.5) for bell in bells):
            pass


def listeners(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def end_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_ring_between_looking_and_waiting_is_not_lost(notifier: Notifier) -> None:
    with notifier.listening("inbox", "anna") as bell:
        heard(notifier, bell)
        notifier.notify("inbox", "anna")
        time.sleep(0.1)
        assert bell.wait(0.0)


def test_a_ring_wakes_a_waiter_at_once(notifier: Notifier) -> None:
    with notifier.listening("inbox", "anna") as bell:
        heard(notifier, bell)
        timer = threading.Timer(0.1, notifier.notify, ("inbox", "anna"))
        started = time.monotonic()
        timer.start()
        assert bell.wait(SECONDS)
        assert time.monotonic() - started < 5.0


def test_other_channels_and_keys_ring_other_bells(notifier: Notifier) -> None:
    with notifier.listening("inbox", "anna") as bell:
        heard(notifier, bell)
        notifier.notify("inbox", "berta")
        notifier.notify("feed", "anna")
        notifier.notify("inbox")
        assert not bell.wait(0.5)


def test_every_waiter_of_a_key_is_woken(notifier: Notifier) -> None:
    with notifier.listening("inbox", "anna") as first, notifier.listening("inbox", "anna") as second:
        heard(notifier, first, second)
        notifier.notify("inbox", "anna")
        assert first.wait(SECONDS)
        assert second.wait(SECONDS)


def test_bells_of_waiters_that_left_are_not_kept() -> None:
    local = LocalNotifier()
    for n in range(3):
        with local.listening("inbox", str(n)):
            pass
    assert not local._bells


def test_waiting_for_a_negative_time_returns() -> None:
    assert not Bell().wait(-1.0)


def test_a_ring_reaches_another_process(two: tuple[PostgresNotifier, PostgresNotifier]) -> None:
    here, there = two
    with there.listening("inbox", "anna und bert") as bell:
        heard(there, bell)
        here.notify("inbox", "anna und bert")
        assert bell.wait(SECONDS)


def test_rings_go_on_after_the_connections_were_lost(
    postgresql: str, two: tuple[PostgresNotifier, PostgresNotifier]
) -> None:
    here, there = two
    with there.listening("inbox") as bell:
        heard(there, bell)
        here.notify("inbox")
        assert bell.wait(SECONDS)
        end_sessions(postgresql)
        until(lambda: listeners(postgresql) == 2)
        heard(there, bell)
        # The notifying connection does not know yet that it is lost: what it fails to send goes on the next one.
        here.notify("inbox")
        assert bell.wait(SECONDS)


def test_who_listened_in_vain_is_told_to_look_once_the_connection_is_back(
    postgresql: str, two: tuple[PostgresNotifier, PostgresNotifier]
) -> None:
    _, there = two
    with there.listening("inbox") as bell:
        heard(there, bell)
        end_sessions(postgresql)
        assert bell.wait(SECONDS)


def test_a_notifier_without_its_database_rings_at_home_and_never_blocks() -> None:
    alone = PostgresNotifier("postgresql://postgres@127.0.0.1:1/nowhere")
    with alone.listening("inbox") as bell:
        started = time.monotonic()
        for _ in range(1000):
            alone.notify("inbox")
        assert bell.wait(0.0)
        assert time.monotonic() - started < 5.0
    alone.close()


def test_notifying_takes_no_lock_in_the_transaction_of_the_business(postgresql: str) -> None:
    """A NOTIFY holds a lock of the whole database at its commit; a letter's commit must not wait for one."""
    notifier = PostgresNotifier(postgresql)
    with psycopg.connect(postgresql) as slow:
        slow.execute("SELECT pg_notify('concord', 'x y')")
        notifier.notify("inbox")
        with psycopg.connect(postgresql) as business:
            business.execute("SET lock_timeout = '1s'")
            business.execute("CREATE TABLE letter (id int)")
    notifier.close()


def test_a_ring_does_not_wait_for_the_disk(postgresql: str) -> None:
    """Its commit would hold that same lock until it is flushed, and every other process's rings with it."""
    seen: list[str] = []

    class Watched(PostgresNotifier):
        def _send(self, connection: psycopg.Connection) -> None:
            self.sending = connection
            super()._send(connection)

        def _gather(self, earliest: float) -> None:
            super()._gather(earliest)
            seen.extend(row[0] for row in self.sending.execute("SHOW synchronous_commit"))

    notifier = Watched(postgresql)
    notifier.notify("inbox")
    until(lambda: seen)
    notifier.close()
    assert set(seen) == {"off"}


def test_each_process_after_a_fork_has_threads_of_its_own(postgresql: str) -> None:
    program = f"""
import os, sys
from services.chassis.wake import PostgresNotifier
notifier = PostgresNotifier({postgresql!r})
with notifier.listening("warm") as bell:
    bell.wait(5)  # the parent's threads run
parent_reads, child_writes = os.pipe()
if os.fork() == 0:
    with notifier.listening("inbox") as bell:
        bell.wait(5)  # it listens now
        os.write(child_writes, b".")
        os._exit(0 if bell.wait(10) else 1)
os.read(parent_reads, 1)
notifier.notify("inbox")
_, status = os.wait()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
