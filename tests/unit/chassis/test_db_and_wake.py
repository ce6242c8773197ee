"""Transactions with a deadline, and bells that ring in other processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from services.chassis.db import Database, DatabaseUnavailableError, DeadlineExceededError, create_all
from services.chassis.inbox import Inbox
from services.chassis.wake import LocalNotifier, Notifier, PostgresNotifier, start_notifier
from tests.fakes import FakeClock
from tests.unit.chassis import plumbing


def test_what_a_block_that_raises_wrote_is_gone(database: Database) -> None:
    create_all(database, plumbing.Base)
    with pytest.raises(RuntimeError), database.transaction() as session:
        session.execute(text("INSERT INTO outbox (body) VALUES ('x')"))
        raise RuntimeError("no")
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM outbox")) == 0


def test_postgresql_ends_a_transaction_whose_statement_outlives_the_deadline(
    fresh_postgresql: Callable[[], str],
) -> None:
    database = Database(fresh_postgresql())
    with pytest.raises(DeadlineExceededError), database.transaction(deadline=0.2) as session:
        session.execute(text("SELECT pg_sleep(5)"))
    database.dispose()


def test_postgresql_ends_a_transaction_whose_client_stands_still(fresh_postgresql: Callable[[], str]) -> None:
    """What a stopped process cannot do for itself: nothing of it stands when it wakes up."""
    database = Database(fresh_postgresql())
    with database.transaction() as session:
        session.execute(text("CREATE TABLE t (n int)"))
    with (
        pytest.raises((DeadlineExceededError, DatabaseUnavailableError)),
        database.transaction(deadline=0.2) as session,
    ):
        session.execute(text("INSERT INTO t VALUES (1)"))
        time.sleep(0.8)
        session.execute(text("SELECT 1"))
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM t")) == 0
    database.dispose()


def test_a_database_that_does_not_answer_is_told_as_such() -> None:
    database = Database("postgresql+psycopg://postgres@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailableError), database.transaction() as session:
        session.execute(text("SELECT 1"))


def test_a_moment_keeps_its_instant_and_needs_its_zone(database: Database) -> None:
    create_all(database, plumbing.Base)
    east = timezone(timedelta(hours=5))
    moment = datetime(2026, 3, 1, 2, 30, tzinfo=east)
    event = plumbing.happened(1)
    with database.transaction() as session:
        session.add(plumbing.Inbox(event_id=event.id, handled_at=moment))
    with database.transaction() as session:
        stored = session.get_one(plumbing.Inbox, event.id).handled_at
    assert stored == moment
    assert stored.tzinfo is UTC
    with pytest.raises(StatementError), database.transaction() as session:
        session.add(plumbing.Inbox(event_id=plumbing.happened(2).id, handled_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_sqlite_has_one_writer_at_a_time(tmp_path: object) -> None:
    """The embedded default's whole locking: a second transaction waits for the first."""
    database = Database(f"sqlite:///{tmp_path}/one.sqlite")
    create_all(database, plumbing.Base)
    inbox = Inbox(database, FakeClock(), {plumbing.TYPE: lambda *_: time.sleep(0.05)}, plumbing.Inbox)
    threads = [threading.Thread(target=inbox.handle, args=(plumbing.happened(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM inbox")) == 8


def rings(notifier: Notifier, listener: Notifier) -> bool:
    with listener.listening("mailbox", "a") as bell:
        time.sleep(0.3)  # a listening connection takes a moment
        bell.wait(0)
        notifier.notify("mailbox", "a")
        return bell.wait(5)


def test_a_bell_rings_in_its_own_process() -> None:
    notifier = LocalNotifier()
    assert rings(notifier, notifier)


def test_a_bell_rings_in_another_process_of_the_same_database(fresh_postgresql: Callable[[], str]) -> None:
    database = Database(fresh_postgresql())
    here, there = start_notifier(database), start_notifier(database)
    assert isinstance(here, PostgresNotifier)
    assert rings(here, there)
    for notifier in (here, there):
        notifier.close()
    database.dispose()


def test_a_bell_rings_again_after_its_connection_was_lost(fresh_postgresql: Callable[[], str]) -> None:
    database = Database(fresh_postgresql())
    here, there = start_notifier(database), start_notifier(database)
    assert rings(here, there)
    with database.transaction() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    time.sleep(2)
    assert rings(here, there)
    for notifier in (here, there):
        notifier.close()
    database.dispose()


def test_another_key_and_another_channel_do_not_ring() -> None:
    notifier = LocalNotifier()
    with notifier.listening("mailbox", "a") as bell:
        notifier.notify("mailbox", "b")
        notifier.notify("outbox", "a")
        assert not bell.wait(0.05)


def test_a_ring_between_looking_and_waiting_is_not_lost() -> None:
    notifier = LocalNotifier()
    with notifier.listening("mailbox", "a") as bell:
        notifier.notify("mailbox", "a")
        assert bell.wait(0)
        assert not bell.wait(0.01)
