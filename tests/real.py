"""PostgreSQL and RabbitMQ for the tests: those that answer, else ones that are started here.

Owns the order in which they are looked for: an address in the environment, the usual local address, a Docker engine,
the installed servers, and on Debian as root the packages. Refuses to let a test pass without them: when nothing can
be had, it says what to do.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import SystemRandom
from typing import TypeVar

import pika
import psycopg
from pika.exceptions import AMQPError

POSTGRESQL = os.environ.get("CONCORD_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
AMQP = os.environ.get("CONCORD_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672/%2F")
START_SECONDS = 90.0
Found = TypeVar("Found")
# What was started ends with the process, also when a test run is interrupted.
_until_exit = ExitStack()
atexit.register(_until_exit.close)


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
    """Start the installed PostgreSQL in a temporary folder, until this process ends; installed first if need be.

    Raises `NotToBeHadError`.
    """
    return _until_exit.enter_context(_postgresql())


def start_rabbitmq() -> str:
    """Start the installed RabbitMQ likewise. Raises `NotToBeHadError`."""
    return _until_exit.enter_context(_rabbitmq())


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


@contextmanager
def _postgresql() -> Iterator[str]:
    programs = _postgresql_programs() or _installed("postgresql", _postgresql_programs)
    if programs is None:
        raise NotToBeHadError(
            "PostgreSQL answers nowhere. Start one, or name it in CONCORD_TEST_POSTGRESQL, "
            "or run as root: apt-get install postgresql"
        )
    folder = Path(tempfile.mkdtemp(prefix="concord-postgresql-"))
    as_owner: list[str | Path] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]
    control: list[str | Path] = [*as_owner, programs / "pg_ctl", "-D", folder / "data", "-w"]
    port = free_port()
    # What a test writes need not outlive a power cut.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    try:
        _must("PostgreSQL", *as_owner, programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust")
        _must("PostgreSQL", *control, "-o", options, "-l", folder / "log", "start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _rabbitmq() -> Iterator[str]:
    program = _rabbitmq_program() or _installed("rabbitmq-server", _rabbitmq_program)
    if program is None:
        raise NotToBeHadError(
            "RabbitMQ answers nowhere. Start one, or name it in CONCORD_TEST_AMQP, "
            "or run as root: apt-get install rabbitmq-server"
        )
    folder = Path(tempfile.mkdtemp(prefix="concord-rabbitmq-"))
    as_owner = ["runuser", "-u", "rabbitmq", "--"] if os.geteuid() == 0 else []
    if as_owner:
        shutil.chown(folder, "rabbitmq")
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*as_owner, program],
            env=_rabbitmq_settings(folder, port),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that one signal reaches the script and the server that it starts
        )
    url = f"amqp://guest:guest@127.0.0.1:{port}/%2F"
    try:
        wait_until(lambda: rabbitmq_answers(url), "RabbitMQ")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _rabbitmq_program() -> str | None:
    # The first is the server's own script; what Debian puts before it leaves this session, and its signals behind.
    return shutil.which("rabbitmq-server", path=f"/usr/lib/rabbitmq/bin:{os.environ['PATH']}")


def _rabbitmq_settings(folder: Path, port: int) -> dict[str, str]:
    own = {
        "HOME": str(folder),  # where its cookie goes
        "RABBITMQ_NODENAME": f"concord-{port}@localhost",  # beside a node that runs already
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    return dict(os.environ) | own


def _must(what: str, *command: str | Path) -> None:
    """Run a command. Raises `NotToBeHadError` with what it said."""
    # Into a file: a server that it leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        if subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False).returncode:
            said.seek(0)
            raise NotToBeHadError(f"{what} could not be started: {said.read().decode(errors='replace')[-2000:]}")


def _postgresql_programs() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def _installed(package: str, look: Callable[[], Found | None]) -> Found | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # Several processes of tests run at once, and apt lets one in at a time.
    with (Path(tempfile.gettempdir()) / "concord-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (found := look()) is not None:
            return found
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=False, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", package]
        subprocess.run(install, env=environment, check=False, stdout=subprocess.DEVNULL)
        return look()


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def free_port() -> int:
    """A port that nobody listens on just now.

    Below those that the system gives to connections by itself, which could have it before a server does; and by chance,
    for others look for one at the same time. Not by the chance of `random`, which hypothesis begins anew.
    """
    while True:
        port = _chance.randrange(15_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


_chance = SystemRandom()
# What `tests/docker-compose.yml` gives them, beside servers that may have the usual ports; two a process of tests.
_PORTS = free_port(), free_port()
DOCKER_PORTS = {"CONCORD_TEST_POSTGRESQL_PORT": str(_PORTS[0]), "CONCORD_TEST_AMQP_PORT": str(_PORTS[1])}
DOCKER_POSTGRESQL = f"postgresql://postgres@127.0.0.1:{_PORTS[0]}/postgres"
DOCKER_AMQP = f"amqp://guest:guest@127.0.0.1:{_PORTS[1]}/%2F"
