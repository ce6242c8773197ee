"""Worlds for the tests of the consent service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.chassis import migrate
from services.chassis.db import Database, create_all
from services.consent.models import Base
from tests.unit.chassis.visitor import IssuerKeys
from tests.unit.consent.browser import Browser, make_app
from tests.unit.consent.world import World


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite file."""
    database = Database(f"sqlite:///{tmp_path}/consent.sqlite")
    yield database
    database.dispose()


@pytest.fixture
def world(sqlite_database: Database) -> World:
    """A consent service on SQLite."""
    create_all(sqlite_database, Base)
    return World(sqlite_database)


@pytest.fixture
def real_world(fresh_postgresql: Callable[[], str]) -> Iterator[World]:
    """A consent service on PostgreSQL, as its migrations make it."""
    database = Database(fresh_postgresql(), pool_size=20)
    migrate.upgrade(database, "consent")
    yield World(database)
    database.dispose()


@pytest.fixture
def browser(world: World, tmp_path: Path) -> Browser:
    """The service over HTTP."""
    issuer = IssuerKeys()
    return Browser(make_app(world, issuer, tmp_path), issuer)
