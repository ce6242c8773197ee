"""`make doctor`: all is well, and what is away from the deployment is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.deploy.composition import Composition
from tests.deployment import wait_for

pytestmark = pytest.mark.long
# One round starts a Python in three containers, and more than a dozen commands of docker.
ROUND_SECONDS = 180.0
SECONDS = 300.0


def examined(composition: Composition) -> tuple[int, str]:
    """Its exit status and what it says, as `make doctor` shows them."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CONCORD_", "COMPOSE_"))}
    line = [sys.executable, "-m", "deploy.doctor"]
    done = subprocess.run(
        line,
        cwd=composition.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=ROUND_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def without(composition: Composition, service: str) -> Iterator[None]:
    """A service whose containers are gone."""
    composition.compose("rm", "--stop", "--force", service)
    try:
        yield
    finally:
        composition.compose("up", "--detach", "--no-build", "--no-recreate", service)
        composition.healthy(service)


def test_all_is_well(composition: Composition) -> None:
    wait_for(lambda: examined(composition)[0] == 0, SECONDS, "all to be well", lambda: examined(composition)[1])


@pytest.mark.parametrize("service", ["messaging-worker", "postgresql-archive"])
def test_a_service_without_a_container_is_named(composition: Composition, service: str) -> None:
    with without(composition, service):
        status, said = examined(composition)
    assert status == 1
    assert f"WRONG  {service}: has no container" in said


def test_an_archive_that_takes_nothing_is_named(composition: Composition) -> None:
    with without(composition, "postgresql-archive"):
        _, said = examined(composition)
    assert "WRONG  slot archive: nobody follows it" in said
    assert "do: docker compose logs postgresql-archive" in said
