"""The two buses, for one suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.chassis.bus import Bus
from tests.contract.places import LocalPlace, Place, RabbitPlace


@pytest.fixture
def rabbit(amqp_url: str) -> Iterator[RabbitPlace]:
    """A place on the broker of its own, emptied afterwards."""
    place = RabbitPlace(amqp_url)
    yield place
    place.remove()


@pytest.fixture(params=["local", "rabbitmq"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place, once of each kind."""
    if request.param == "local":
        return LocalPlace(str(tmp_path / "bus.sqlite"))
    rabbit: RabbitPlace = request.getfixturevalue("rabbit")
    return rabbit


@pytest.fixture
def bus(place: Place) -> Iterator[Bus]:
    """An empty bus, once of each kind."""
    made = place.open()
    yield made
    made.close()
