"""The directories that tests are given."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import enrolment
from tests.unit.directory.house import House, Person


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database on SQLite in its newest form, made once: each test takes a copy."""
    path = tmp_path_factory.mktemp("migrated") / "directory.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database, "directory")
    database.dispose()  # what was in its journal is in the file then
    return path


@pytest.fixture
def house(migrated: Path, tmp_path: Path) -> Iterator[House]:
    """A directory on SQLite."""
    shutil.copyfile(migrated, tmp_path / "directory.db")
    database = Database(f"sqlite:///{tmp_path}/directory.db")
    yield House(database)
    database.dispose()


@pytest.fixture(scope="module")
def _kept_house(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    path = tmp_path_factory.mktemp("kept") / "directory.db"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield House(database)
    database.dispose()


@pytest.fixture
def kept_house(_kept_house: House) -> House:
    """A directory on SQLite that the tests of a module share: each is to make organizations of its own in it."""
    _kept_house.barrier.open = True
    _kept_house.barrier.asked.clear()
    return _kept_house


@pytest.fixture
def admin(house: House) -> Person:
    """An administrator of North Clinic."""
    return house.administrator()


@pytest.fixture
def ana(house: House, admin: Person) -> Person:
    """A practitioner of the administrator's organization."""
    return house.practitioner(admin, name="Ana Whitfield")


@pytest.fixture
def bo(house: House, admin: Person) -> Person:
    """A colleague of hers."""
    return house.practitioner(admin, name="Bo Park")


@pytest.fixture
def stranger(house: House) -> Person:
    """An administrator of another organization."""
    return house.administrator(enrolment.add_organization(house.deps, "South Clinic"))


@pytest.fixture
def postgresql(fresh_postgresql: Callable[[], str]) -> Iterator[Database]:
    """An empty database on PostgreSQL."""
    database = Database(fresh_postgresql())
    yield database
    database.dispose()
