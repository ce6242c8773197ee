"""The three services as they are deployed, but started natively: gunicorn and worker processes, PostgreSQL, RabbitMQ.

Owns the processes, their databases and the way to them. Refuses to be a gateway: a transport routes each request to the
service that its path names, as nginx does where Concord is deployed.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO
from uuid import uuid4

import httpx
import psycopg
from sqlalchemy import make_url

from services.chassis.config import SERVICES
from services.chassis.log_key import make_log_key
from services.chassis.service_auth import make_keys
from services.consent.account_key import make_account_key
from tests.real import free_port

# The origin that clients know, https as they demand. Nothing listens there: the transport below finds the processes.
ORIGIN = "https://concord.test"
START_SECONDS = 120.0  # a loaded machine is slow; a broken start ends at once


class Router(httpx.BaseTransport):
    """Sends `{origin}/{service}/…` to the process of that service, without the prefix."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._network = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=20, keepalive_expiry=30))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Forward one request."""
        _, service, rest = request.url.raw_path.split(b"/", 2)
        port = self._ports[service.decode()]
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port, raw_path=b"/" + rest)
        return self._network.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._network.close()


class Turn:
    """Lets one run of tests at a time have deployments: those of two would take more connections than there are.

    Within a process they share it, or the second would wait for the first for ever. It ends with the process as well.
    """

    def __init__(self) -> None:
        self._deployments = 0
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Wait for the turn, unless this process has it."""
        if self._lock is None:
            # A user's own: what another user made in that folder could not be opened.
            self._lock = (Path(tempfile.gettempdir()) / f"concord-tests-deployment-{os.getuid()}.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._deployments += 1

    def give_back(self) -> None:
        """Let the next run have it once the last deployment of this process has ended."""
        self._deployments -= 1
        if self._deployments == 0 and self._lock is not None:
            self._lock.close()
            self._lock = None


_turn = Turn()


class Deployment:
    """Databases, keys and processes of one run; use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        postgresql_url: str,
        amqp_url: str,
        *,
        settings: Mapping[str, str] | None = None,
        workers: int = 2,
        threads: int = 4,
    ) -> None:
        self.folder = folder
        self._server = make_url(postgresql_url)
        self._amqp_url = amqp_url
        self._run = f"concord_{uuid4().hex[:10]}"
        self._settings = dict(settings or {})
        self._workers = workers
        # Each thread may hold a connection or two, and a test server of PostgreSQL has a hundred for everybody.
        self._threads = threads
        self.ports = {service: free_port() for service in SERVICES}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Deployment:
        _turn.take()
        make_keys(self.folder, SERVICES)
        make_account_key(self.folder / "account.jwk")
        make_log_key(self.folder / "key-log.jwk")
        with psycopg.connect(self._plain(self._server.database or "postgres"), autocommit=True) as connection:
            for service in SERVICES:
                connection.execute(f"CREATE DATABASE {self.database_name(service)}".encode())
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda service: self.command(service, "migrate", service), SERVICES))
        for service in SERVICES:
            self.start(f"api-{service}")
            self.start(f"worker-{service}")
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.processes):
            self.kill(name)
        with psycopg.connect(self._plain(self._server.database or "postgres"), autocommit=True) as connection:
            for service in SERVICES:
                connection.execute(f"DROP DATABASE IF EXISTS {self.database_name(service)} WITH (FORCE)".encode())
        _turn.give_back()

    def database_name(self, service: str) -> str:
        """The name of a service's database."""
        return f"{self._run}_{service}"

    def database_url(self, service: str) -> str:
        """The address of a service's database, as the service is told it."""
        url = self._server.set(drivername="postgresql+psycopg", database=self.database_name(service))
        return url.render_as_string(hide_password=False)

    def rows(self, service: str, table: str) -> int:
        """How many rows a table of a service has."""
        with psycopg.connect(self._plain(self.database_name(service))) as connection:
            counted = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 - ours
        return int(counted[0]) if counted else 0

    def transport(self) -> Router:
        """A way for a client to the services."""
        return Router(self.ports)

    def environment(self, service: str) -> dict[str, str]:
        """The settings of one service, in the environment of this process."""
        return {
            **os.environ,
            "CONCORD_DATABASE_URL": self.database_url(service),
            "CONCORD_AMQP_URL": self._amqp_url,
            "CONCORD_AMQP_PREFIX": self._run,
            "CONCORD_BASE_URL": ORIGIN,
            **{f"CONCORD_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in self.ports.items()},
            "CONCORD_SERVICE_KEY_FILE": str(self.folder / f"{service}.jwk"),
            "CONCORD_SERVICE_KEYS_FILE": str(self.folder / "services.jwks"),
            "CONCORD_ACCOUNT_KEY_FILE": str(self.folder / "account.jwk"),
            "CONCORD_LOG_KEY_FILE": str(self.folder / "key-log.jwk"),
            **self._settings,
        }

    def command(self, service: str, *arguments: str) -> str:
        """Run `concord-server` to its end with the settings of one service; what it printed."""
        line = [sys.executable, "-m", "services", *arguments]
        done = subprocess.run(line, env=self.environment(service), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed: {done.stderr}")
        return done.stdout.strip()

    def start(self, name: str, **settings: str) -> None:
        """Start `api-SERVICE` or `worker-SERVICE`, with further settings for this process alone."""
        kind, _, service = name.partition("-")
        service = service.split(".")[0]  # worker-messaging.2 is a second worker
        line = [sys.executable, "-m", "services", kind, service]
        if kind == "api":
            line += ["--bind", f"127.0.0.1:{self.ports[service]}"]
            line += ["--workers", str(self._workers), "--threads", str(self._threads)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                line, env=self.environment(service) | settings, stdout=log, stderr=log, start_new_session=True
            )

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process and to all it started."""
        os.killpg(self.processes[name].pid, number)

    def kill(self, name: str) -> None:
        """End a process at once, as a power cut would."""
        process = self.processes.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, name: str, **settings: str) -> None:
        """Kill a process and start it again."""
        self.kill(name)
        self.start(name, **settings)

    def wait_until_ready(self) -> None:
        """Until every API process says that it is ready."""
        for service, port in self.ports.items():
            wait_for(lambda port=port: _ready(port), START_SECONDS, f"{service} to be ready", self.logs)  # type: ignore[misc]

    def logs(self) -> str:
        """What the processes wrote, for a test that failed."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))

    def _plain(self, database: str) -> str:
        return self._server.set(drivername="postgresql", database=database).render_as_string(hide_password=False)


def wait_for(condition: Callable[[], bool], seconds: float, what: str, more: Callable[[], str] = lambda: "") -> None:
    """Until a condition holds. Raises TimeoutError that says what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{more()}")
        time.sleep(0.05)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
