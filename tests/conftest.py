"""Fixtures for every room: real PostgreSQL and RabbitMQ, and fresh databases.

Owns how the real components come to the tests; `tests/real.py` knows where to look. Refuses to skip: without them, a
test that needs them fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from services.chassis import logs
from services.chassis.db import Database
from tests import real
from tests.provider import Provider

HERE = Path(__file__).resolve().parent
# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deployments stay together, in one process of tests: two at once would take more connections than there are."""
    for item in items:
        if {"journeys", "processes", "deploy"} & set(item.path.relative_to(HERE).parts):
            item.add_marker(pytest.mark.xdist_group("deployments"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end of every run whether the composed deployment can be tested on this machine."""
    if hasattr(terminalreporter.config, "workerinput") or real.docker_answers():
        return
    terminalreporter.section("NO DOCKER ENGINE ANSWERS", yellow=True, bold=True)
    terminalreporter.line(
        "tests/deploy (docker compose, restore, fail-over, chaos) CANNOT RUN HERE. tests/journeys and tests/processes\n"
        "run the same journeys against gunicorn, workers, PostgreSQL and RabbitMQ started natively."
    )


@pytest.fixture(autouse=True)
def _serving_nobody() -> Iterator[None]:
    """A test that names its process in the logs, as a deployed one does, leaves that name to no other test."""
    yield
    logs._process.clear()


@pytest.fixture(scope="session")
def identity_provider() -> Iterator[Provider]:
    """An OpenID Connect provider in a process of its own, for all tests of this process."""
    provider = Provider().up()
    yield provider
    provider.down()


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    """What pytest-docker starts, where nothing else answers."""
    os.environ.update(real.DOCKER_PORTS)
    return str(Path(__file__).parent / "docker-compose.yml")


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> str:
    """The address of a PostgreSQL server."""
    if real.postgresql_answers(real.POSTGRESQL):
        return real.POSTGRESQL
    if real.docker_answers():
        request.getfixturevalue("docker_services")
        real.wait_until(lambda: real.postgresql_answers(real.DOCKER_POSTGRESQL), "PostgreSQL")
        return real.DOCKER_POSTGRESQL
    return real.start_postgresql()


@pytest.fixture(scope="session")
def amqp_url(request: pytest.FixtureRequest) -> str:
    """The address of a RabbitMQ server."""
    if real.rabbitmq_answers(real.AMQP):
        return real.AMQP
    if real.docker_answers():
        request.getfixturevalue("docker_services")
        real.wait_until(lambda: real.rabbitmq_answers(real.DOCKER_AMQP), "RabbitMQ")
        return real.DOCKER_AMQP
    return real.start_rabbitmq()


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[Callable[[], str]]:
    """Makes fresh databases, and drops them after the test: each call gives the address of another one."""
    made: list[str] = []

    def make() -> str:
        name = f"concord_test_{uuid4().hex[:12]}"
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    yield make
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    else:
        make: Callable[[], str] = request.getfixturevalue("fresh_postgresql")
        made = Database(make())
    yield made
    made.dispose()
