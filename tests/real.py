"""PostgreSQL and RabbitMQ for the tests: those that answer, else ones that are started here.

Owns the order in which they are looked for: an address in the environment, the usual local address, a Docker engine,
the installed servers, and on Debian as root the packages. Refuses to let a test pass without them: when nothing can
be had, it says what to do.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pika
import psycopg
from pika.exceptions import AMQPError

POSTGRESQL = os.environ.get("CONCORD_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
AMQP = os.environ.get("CONCORD_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672/%2F")
# Ports of those that are started here, beside a server that may use the usual one for something else.
STARTED_POSTGRESQL = "postgresql://postgres@127.0.0.1:55432/postgres"
START_SECONDS = 90.0
Found = TypeVar("Found")


class NotToBeHadError(RuntimeError):
    """A server that the tests need answers nowhere and cannot be started."""


def postgresql_answers(url: str) -> bool:
    """Whether PostgreSQL answers at an address."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def rabbitmq_answers(url: str) -> bool:
    """Whether RabbitMQ answers at an address."""
    try:
        parameters = pika.URLParameters(url)
        parameters.socket_timeout = 3
        pika.BlockingConnection(parameters).close()
    except (AMQPError, OSError):
        return False
    return True


def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    return bool(shutil.which("docker")) and _runs("docker", "info")


def start_postgresql() -> str:
    """Start the installed PostgreSQL in a temporary folder, or install it. Raises `NotToBeHadError`."""
    programs = _postgresql_programs() or _installed("postgresql", _postgresql_programs)
    if programs is None:
        raise NotToBeHadError(
            "PostgreSQL answers nowhere. Start one, or name it in CONCORD_TEST_POSTGRESQL, "
            "or run as root: apt-get install postgresql"
        )
    folder = Path(tempfile.mkdtemp(prefix="concord-postgresql-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    initdb = [*as_owner, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
    subprocess.run(initdb, check=True, cwd=folder)
    options = f"-p 55432 -c listen_addresses=127.0.0.1 -k {folder}"
    start = [*as_owner, programs / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, cwd=folder)
    return STARTED_POSTGRESQL


def start_rabbitmq() -> str:
    """Start the installed RabbitMQ, or install it. Raises `NotToBeHadError`."""

    def server() -> str | None:
        return shutil.which("rabbitmq-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/rabbitmq/bin")

    program = server() or _installed("rabbitmq-server", server)
    if program is None:
        raise NotToBeHadError(
            "RabbitMQ answers nowhere. Start one, or name it in CONCORD_TEST_AMQP, "
            "or run as root: apt-get install rabbitmq-server"
        )
    if not rabbitmq_answers(AMQP):
        subprocess.run([program, "-detached"], check=True)
    wait_until(lambda: rabbitmq_answers(AMQP), "RabbitMQ")
    return AMQP


def wait_until(answers: Callable[[], bool], what: str) -> None:
    """Until a server answers. Raises `NotToBeHadError`."""
    end = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > end:
            raise NotToBeHadError(f"{what} was started, but does not answer")
        time.sleep(0.2)


def installed_program(program: str, package: str) -> str:
    """The path of a program; as root on Debian it is installed first. Raises `NotToBeHadError`."""
    found = shutil.which(program) or _installed(package, lambda: shutil.which(program))
    if found is None:
        raise NotToBeHadError(f"{program} is not installed. Run as root: apt-get install {package}")
    return found


def _postgresql_programs() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def _installed(package: str, look: Callable[[], Found | None]) -> Found | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=environment, check=False, stdout=subprocess.DEVNULL)
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", package]
    subprocess.run(install, env=environment, check=False, stdout=subprocess.DEVNULL)
    return look()


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
