"""Fixtures of the chassis' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.chassis.db import Database
from tests.unit.chassis.two_sides import Authority


@pytest.fixture
def fresh_postgresql_authority(fresh_postgresql: Callable[[], str]) -> Iterator[Authority]:
    """An authority where several transactions can be open at once."""
    database = Database(fresh_postgresql())
    yield Authority(database)
    database.dispose()
