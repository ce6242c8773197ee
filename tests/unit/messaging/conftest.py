"""Databases for messaging's tests: SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, text

from services.chassis import failpoints, migrate
from services.chassis.db import Database
from services.messaging import models

from .site import MAX, Site
from .world import World, sqlite

# PostgreSQL gives a gate's transaction half of it.
PATIENT_SECONDS = 8.0


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated SQLite database that nobody writes to: to migrate takes longer than most tests do."""
    folder = tmp_path_factory.mktemp("migrated")
    database = sqlite(folder)
    migrate.upgrade(database, "messaging")
    database.dispose()
    return folder


@pytest.fixture
def sqlite_database(migrated_folder: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite database."""
    shutil.copytree(migrated_folder, tmp_path, dirs_exist_ok=True)
    database = sqlite(tmp_path)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def migrated_url(postgresql_url: str) -> Iterator[str]:
    """The address of a migrated PostgreSQL database of this run's own."""
    name = f"messaging_{uuid4().hex[:12]}"
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database=name)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            migrate.upgrade(Database(url.render_as_string(hide_password=False)), "messaging")
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def postgresql_database(migrated_url: str) -> Iterator[Database]:
    """An empty, migrated PostgreSQL database."""
    database = Database(migrated_url)
    tables = ", ".join(table.name for table in models.Base.metadata.sorted_tables)
    with database.transaction() as session:
        session.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The small world, on each database."""
    world = World(request.getfixturevalue(f"{request.param}_database"))
    yield world
    world.close()


@pytest.fixture
def real_world(postgresql_database: Database) -> Iterator[World]:
    """The small world on PostgreSQL, where many things can happen at once, with a deadline that a test can wait for."""
    world = World(postgresql_database, gate_deadline_seconds=2.0)
    yield world
    world.close()


@pytest.fixture
def patient_world(postgresql_database: Database) -> Iterator[World]:
    """The same with a deadline that no pause of a busy machine exceeds: where the deadline is not what is tested."""
    world = World(postgresql_database, gate_deadline_seconds=PATIENT_SECONDS)
    yield world
    world.close()


@pytest.fixture
def small_world(sqlite_database: Database) -> Iterator[World]:
    """The small world on SQLite."""
    world = World(sqlite_database)
    yield world
    world.close()


@pytest.fixture
def site(sqlite_database: Database) -> Iterator[Site]:
    """The app over the small world, and a client."""
    world = World(sqlite_database, letter_max_bytes=MAX)
    yield Site(world)
    world.close()


@pytest.fixture(autouse=True)
def _nothing_armed() -> Iterator[None]:
    yield
    failpoints.disarm()
