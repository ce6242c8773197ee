"""Databases for messaging's tests: SQLite always, PostgreSQL where it answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from services.chassis import failpoints, migrate
from services.chassis.db import Database

from .world import World, sqlite

POSTGRESQL = os.environ.get("CONCORD_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database."""
    database = sqlite(tmp_path)
    migrate.upgrade(database, "messaging")
    yield database
    database.dispose()


@pytest.fixture
def postgresql_database() -> Iterator[Database]:
    """A migrated PostgreSQL database of this test's own."""
    name = f"messaging_{uuid4().hex[:12]}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    database = Database(POSTGRESQL.replace("postgresql://", "postgresql+psycopg://").rsplit("/", 1)[0] + f"/{name}")
    migrate.upgrade(database, "messaging")
    yield database
    database.dispose()
    with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def world(sqlite_database: Database) -> World:
    """The small world on SQLite."""
    return World(sqlite_database)


@pytest.fixture
def real_world(postgresql_database: Database) -> World:
    """The small world on PostgreSQL."""
    return World(postgresql_database)


@pytest.fixture(autouse=True)
def _nothing_armed() -> Iterator[None]:
    yield
    failpoints.disarm()
