"""Transactions: all or nothing, ended by their deadline, and told apart when they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from services.chassis.db import Database, DatabaseUnavailableError, DeadlineExceededError, create_all
from services.chassis.tables import UtcDateTime
from tests.deployment import wait_for
from tests.unit.chassis.plumbing import Base, Inbox, happened, recorded, waiting

DEADLINE = 0.3


@pytest.fixture
def server(fresh_postgresql: Callable[[], str]) -> Iterator[Database]:
    """A database on PostgreSQL, with tables."""
    made = Database(fresh_postgresql())
    create_all(made, Base)
    yield made
    made.dispose()


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    create_all(database, Base)

    def fail() -> None:
        with database.transaction() as session:
            session.execute(text("DELETE FROM outbox"))
            raise KeyError("whatever")

    recorded(database, happened())
    with pytest.raises(KeyError, match="whatever"):
        fail()
    assert waiting(database) == 1


def test_a_broken_rule_of_the_table_is_told_as_what_it_is(database: Database) -> None:
    """It is no outage: a use case may want to know that somebody else was faster."""
    create_all(database, Base)
    event = happened()

    def twice() -> None:
        with database.transaction() as session:
            for _ in range(2):
                session.execute(Inbox.__table__.insert().values(event_id=event.id, handled_at=event.time))  # type: ignore[attr-defined]

    with pytest.raises(IntegrityError) as told:
        twice()
    assert told.value.__cause__ is not told.value


def test_a_statement_that_is_wrong_is_no_outage(database: Database) -> None:
    """SQLite's driver gives both the same class; who took it for an outage would wait for it to pass."""
    with pytest.raises(DBAPIError), database.transaction() as session:
        session.execute(text("SELECT * FROM no_such_table"))


def test_a_value_too_large_for_an_index_is_no_outage(server: Database) -> None:
    with pytest.raises(DBAPIError), server.transaction() as session:
        session.execute(text("CREATE TEMPORARY TABLE large (value text PRIMARY KEY)"))
        session.execute(
            text("INSERT INTO large SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) AS n")
        )


def test_a_database_that_is_away_is_told_as_such() -> None:
    database = Database("postgresql+psycopg://postgres@127.0.0.1:1/nowhere")
    with pytest.raises(DatabaseUnavailableError), database.transaction() as session:
        session.execute(text("SELECT 1"))


def test_a_process_without_a_free_connection_is_told_as_unavailable(
    fresh_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(fresh_postgresql(), pool_size=1)
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.1)
    taken = [database.engine.connect() for _ in range(2)]
    with pytest.raises(DatabaseUnavailableError), database.transaction() as session:
        session.execute(text("SELECT 1"))
    for connection in taken:
        connection.close()
    database.dispose()


def test_connections_that_the_server_ended_are_replaced_before_anybody_meets_them(server: Database) -> None:
    recorded(server, happened())
    with psycopg.connect(server.url.set(drivername="postgresql").render_as_string(False), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        # Each has been told to end, and does so in its own time.
        wait_for(lambda: admin.execute(others).fetchone() == (0,), 30, "every connection to be ended")
    assert waiting(server) == 1


def test_a_transaction_whose_connection_is_ended_is_told_and_the_next_one_works(server: Database) -> None:
    recorded(server, happened())
    with pytest.raises(DatabaseUnavailableError), server.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert waiting(server) == 1


@contextmanager
def _deadline_of(database: Database) -> Iterator[None]:
    """The transaction in the block is ended by its deadline, and soon after it."""
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        yield
    assert DEADLINE <= time.monotonic() - started < DEADLINE + 8.0


def test_a_statement_that_takes_too_long_ends_the_transaction(server: Database) -> None:
    with _deadline_of(server), server.transaction(deadline=DEADLINE) as session:
        session.execute(text("SELECT pg_sleep(10)"))


def test_a_lock_that_does_not_come_ends_the_transaction(server: Database) -> None:
    recorded(server, happened())
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with server.transaction() as session:
            session.execute(text("SELECT * FROM outbox FOR UPDATE"))
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with _deadline_of(server), server.transaction(deadline=DEADLINE) as session:
        session.execute(text("SELECT * FROM outbox FOR UPDATE"))
    done.set()
    thread.join()


def test_a_client_that_stops_in_the_middle_finds_its_transaction_ended(server: Database) -> None:
    """As a stopped process would: nothing that it does afterwards stands."""
    recorded(server, happened())

    def stall() -> None:
        with server.transaction(deadline=DEADLINE) as session:
            session.execute(text("DELETE FROM outbox"))
            time.sleep(DEADLINE * 3)

    with pytest.raises((DeadlineExceededError, DatabaseUnavailableError)):
        stall()
    assert waiting(server) == 1


def test_a_deadline_goes_with_its_transaction(server: Database) -> None:
    with server.transaction(deadline=5) as session:
        assert _bounds(session) == ["5s"] * 3
    with server.transaction() as session:
        assert _bounds(session) == ["0"] * 3


def _bounds(session: Session) -> list[object]:
    """What PostgreSQL bounds a statement, a lock and an idle transaction with."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return [session.scalar(text(f"SHOW {name}")) for name in names]


def test_what_is_set_for_a_database_holds_on_each_connection_and_outlives_a_rollback(
    fresh_postgresql: Callable[[], str],
) -> None:
    database = Database(fresh_postgresql(), session_settings={"lock_timeout": "1234"})

    def fail() -> None:
        with database.transaction() as session:
            assert session.scalar(text("SHOW lock_timeout")) == "1234ms"
            raise KeyError("whatever")

    with pytest.raises(KeyError, match="whatever"):
        fail()
    with database.transaction() as first, database.transaction() as second:
        backends = {session.scalar(text("SELECT pg_backend_pid()")) for session in (first, second)}
        assert len(backends) == 2
        assert [session.scalar(text("SHOW lock_timeout")) for session in (first, second)] == ["1234ms"] * 2
    database.dispose()


def test_a_transaction_on_sqlite_takes_the_write_lock_at_once(tmp_path: object) -> None:
    """One that read first and wrote later could fail half-way; this one waits at its beginning instead."""
    database = Database(f"sqlite:///{tmp_path}/t.sqlite")
    create_all(database, Base)
    inside, together = 0, 0

    def work() -> None:
        nonlocal inside, together
        for _ in range(5):
            with database.transaction() as session:
                session.execute(text("SELECT count(*) FROM outbox"))
                inside += 1
                together = max(together, inside)
                time.sleep(0.001)
                session.execute(text("INSERT INTO outbox (body) VALUES (x'00')"))
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (waiting(database), together) == (20, 1)
    database.dispose()


def test_sqlite_keeps_foreign_keys_and_writes_through(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/t.sqlite")
    with database.transaction() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2
    database.dispose()


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())  # noqa: DTZ001 - that is the fault


@given(st.integers(-2_000_000_000, 7_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_a_moment_comes_back_as_the_same_moment_in_utc(seconds: int, minutes: int) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
        bound = UtcDateTime().process_bind_param(moment, dialect)
        assert bound is not None
        read = UtcDateTime().process_result_value(bound.replace(tzinfo=None), dialect)
        assert read == moment
        assert read.tzinfo is UTC
