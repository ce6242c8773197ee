"""An authority on each kind of database, by a clock that stands until it is moved."""

from __future__ import annotations

import pytest

from services.chassis.db import Database
from tests.fakes import FakeClock
from tests.unit.chassis.two_sides import Authority


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def authority(database: Database, clock: FakeClock) -> Authority:
    return Authority(database, clock)
