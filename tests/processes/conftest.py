"""One deployment of real processes for this folder, and its people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment
from tests.people import People, enrol_people, until_known


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str, amqp_url: str) -> Iterator[Deployment]:
    """Three API processes with two workers each, three workers, PostgreSQL and RabbitMQ."""
    with Deployment(tmp_path_factory.mktemp("deployment"), postgresql_url, amqp_url) as running:
        yield running


@pytest.fixture(scope="package")
def people(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """A physician and a psychologist, enrolled in that deployment."""
    folder: Path = tmp_path_factory.mktemp("people")
    enrolled = enrol_people(
        folder, lambda *words: deployment.command("directory", "directory", *words), deployment.transport
    )
    until_known(deployment.rows)
    yield enrolled
    enrolled.close()


@pytest.fixture(autouse=True)
def everything_runs(deployment: Deployment) -> Iterator[None]:
    """A test may stop and kill processes; the next one finds them all running."""
    yield
    for service in deployment.ports:
        for name in (f"api-{service}", f"worker-{service}"):
            if name not in deployment.processes or deployment.processes[name].poll() is not None:
                deployment.processes.pop(name, None)
                deployment.start(name)
    deployment.wait_until_ready()
