"""One deployment by docker compose for this folder, started by pytest-docker; and its people.

Where no Docker engine answers, nothing here can run: the end of the test run says so in capital letters, and
`tests/journeys` runs the same journeys against the processes started natively. With CONCORD_TEST_DOCKER=required, as CI
sets it where it has an engine, a missing one is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_docker.plugin import get_docker_services

from tests import real
from tests.deploy.composition import UP_SECONDS, ComposedWorld, Composition
from tests.journeys.world import GATE_DEADLINE_SECONDS, World
from tests.people import People


@pytest.fixture(scope="session", autouse=True)
def docker_engine() -> None:
    """Skip, loudly, where no engine answers; fail where one was promised."""
    if not real.docker_answers():
        if os.environ.get("CONCORD_TEST_DOCKER") == "required":
            pytest.fail("CONCORD_TEST_DOCKER=required, and no Docker engine answers", pytrace=False)
        pytest.skip("NO DOCKER ENGINE ANSWERS: the deployment by docker compose was NOT tested")


@contextmanager
def started(made: Composition) -> Iterator[Composition]:
    """Up, and down with its volumes and its image at the end, by pytest-docker."""
    command = f"docker compose --project-directory {made.folder} --env-file {made.folder / '.env'}"
    up = f"up --build --detach --wait --wait-timeout {UP_SECONDS:.0f}"
    files = [str(made.folder / name) for name in made.files]
    try:
        with get_docker_services(command, files, made.project, [up], []):
            yield made
    finally:
        made.down()


@pytest.fixture(scope="package")
def composition(docker_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    """The whole of docker-compose.yml, from a clean copy, healthy.

    With the journeys' own deadline at the gate: they expect a letter's answer at once, on a machine that has a whole
    deployment to run besides. With the usual one are those that `test_chaos.py` and `test_scale_out.py` start.
    """
    unhurried = {"CONCORD_GATE_DEADLINE_SECONDS": str(GATE_DEADLINE_SECONDS)}
    with started(Composition(tmp_path_factory.mktemp("composition"), settings=unhurried)) as running:
        yield running


@pytest.fixture(scope="package")
def world(composition: Composition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Its people, enrolled through the gateway."""
    made = ComposedWorld(tmp_path_factory.mktemp("people"), composition)
    yield made
    made.close()


@pytest.fixture
def people(world: World) -> People:
    """The people of that world."""
    return world.people
