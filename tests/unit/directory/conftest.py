"""The directories that tests are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.chassis import migrate
from services.chassis.db import Database
from tests.unit.directory.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A directory on SQLite."""
    database = Database(f"sqlite:///{tmp_path}/directory.db")
    migrate.upgrade(database, "directory")
    yield House(database)
    database.dispose()


@pytest.fixture
def postgresql(fresh_postgresql: Callable[[], str]) -> Iterator[Database]:
    """An empty database on PostgreSQL."""
    database = Database(fresh_postgresql())
    yield database
    database.dispose()
