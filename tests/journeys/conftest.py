"""Two worlds, each started once for this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deployment import Deployment
from tests.journeys.world import (
    GATE_DEADLINE_SECONDS,
    RECOVERY_DELAY_HOURS,
    DeployedWorld,
    EmbeddedWorld,
    World,
)
from tests.people import People

# Room for the sample patient's record; small enough that a test can reach the limit.
SETTINGS = {
    "CONCORD_LETTER_MAX_BYTES": str(32 * 1024 * 1024),
    "CONCORD_GATE_DEADLINE_SECONDS": str(GATE_DEADLINE_SECONDS),
    "CONCORD_RECOVERY_DELAY_HOURS": str(RECOVERY_DELAY_HOURS),
}


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedWorld]:
    """The embedded services in this process."""
    world = EmbeddedWorld(tmp_path_factory.mktemp("embedded"))
    yield world
    world.close()


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str, amqp_url: str) -> Iterator[DeployedWorld]:
    """Three API processes with two workers each, three workers, PostgreSQL and RabbitMQ."""
    folder = tmp_path_factory.mktemp("deployed")
    (folder / "server").mkdir()
    with Deployment(folder / "server", postgresql_url, amqp_url, settings=SETTINGS) as running:
        world = DeployedWorld(folder, running)
        yield world
        world.close()


@pytest.fixture(params=["embedded", pytest.param("deployed", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest) -> World:
    """Either of the two: what a journey promises holds in both."""
    chosen: World = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def people(world: World) -> People:
    """The people of that world."""
    return world.people
