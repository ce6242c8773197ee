"""The directories that tests are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from services.chassis import migrate
from services.chassis.db import Database
from tests.unit.directory.house import House

SERVER = "postgresql://postgres@127.0.0.1:5432"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A directory on SQLite."""
    database = Database(f"sqlite:///{tmp_path}/directory.db")
    migrate.upgrade(database, "directory")
    yield House(database)
    database.dispose()


@pytest.fixture
def postgresql() -> Iterator[Database]:
    """An empty database on PostgreSQL."""
    name = f"directory_{uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        database = Database(f"postgresql+psycopg://postgres@127.0.0.1:5432/{name}")
        yield database
        database.dispose()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
