"""Guesses: counted by source, within a window, whoever asks at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase

from services.chassis.db import Database, create_all, naming
from services.chassis.guesses import Guesses, network_of
from services.chassis.tables import GuessesRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


class Base(DeclarativeBase):
    """Tables of this test."""

    metadata = naming()


class Row(GuessesRow, Base):
    """Guesses of this test."""

    __tablename__ = "guesses"


GUESSES = Guesses(Row, "test", 3, WINDOW)


@pytest.fixture
def counting(database: Database) -> Database:
    """A database with the table."""
    create_all(database, Base)
    return database


def count(database: Database, source: str, now: datetime = NOW) -> tuple[int, datetime]:
    """One more guess."""
    with database.transaction() as session:
        counted = GUESSES.count(session, source, now)
    return counted.number, counted.until


def test_guesses_are_counted_within_a_window_that_begins_with_the_first(counting: Database) -> None:
    later = NOW + WINDOW - timedelta(seconds=1)
    assert [count(counting, "a"), count(counting, "a", later)] == [(1, NOW + WINDOW), (2, NOW + WINDOW)]
    assert count(counting, "b", later) == (1, later + WINDOW)
    assert count(counting, "a", NOW + WINDOW) == (1, NOW + WINDOW + WINDOW)


def test_who_has_guessed_often_enough_has_guessed_too_often(counting: Database) -> None:
    def too_many(now: datetime = NOW) -> bool:
        with counting.transaction() as session:
            return GUESSES.too_many(session, "a", now)

    for number in range(3):
        assert not too_many(), number
        count(counting, "a")
    assert too_many()
    assert not too_many(NOW + WINDOW)


def test_a_guess_that_was_none_is_taken_back(counting: Database) -> None:
    count(counting, "a")
    for expected in (1, 1):
        with counting.transaction() as session:
            GUESSES.take_back(session, "a")
        assert count(counting, "a")[0] == expected


def test_who_is_being_counted_is_not_swept_and_nobody_waits(fresh_postgresql: Callable[[], str]) -> None:
    database = Database(fresh_postgresql())
    create_all(database, Base)
    count(database, "held")
    count(database, "gone")

    def sweep() -> None:
        with database.transaction() as session:
            GUESSES.sweep(session, NOW + WINDOW)

    with ThreadPoolExecutor(1) as pool, database.transaction() as session:
        GUESSES.count(session, "held", NOW + WINDOW)
        swept = pool.submit(sweep)
        assert wait([swept], timeout=10).done
        swept.result()
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Row)) == 1
        assert not GUESSES.too_many(session, "gone", NOW)
    database.dispose()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:0:1::5", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("not an address", "not an address"),
    ],
)
def test_one_who_guesses_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
