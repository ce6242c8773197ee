"""The whole deployment as an operator has it: `docker compose` on a clean copy of this repository.

Owns the copy, its secrets, its project and the faults that a test puts into its containers. Refuses to touch a
deployment that somebody runs from the repository itself: folder, project name, ports and image are the test's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from services.chassis.config import SERVICES
from tests.deployment import wait_for
from tests.journeys.world import Rows, World, counting
from tests.real import free_port

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = (
    "gateway",
    *(f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")),
    "postgresql",
    "rabbitmq",
)
UP_SECONDS = 480.0  # a slow machine takes minutes; what is broken says so before


class ComposeError(RuntimeError):
    """A command of docker compose failed: what it said."""


def clean_copy(folder: Path) -> Path:
    """The files that git knows or would add, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


class Composition:
    """One project of docker compose."""

    def __init__(self, folder: Path, *, overrides: tuple[str, ...] = (), settings: Mapping[str, str] | None = None):
        self.folder = folder
        self.port = free_port()
        self.project = f"concord{self.port}"
        self.base_url = f"https://localhost:{self.port}"
        self.files = ("docker-compose.yml", *overrides)
        clean_copy(folder)
        told = {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": ":".join(self.files),
            "CONCORD_BASE_URL": self.base_url,
            "GATEWAY_PUBLISH": f"127.0.0.1:{self.port}",
            "SERVER_IMAGE": f"concord-server:{self.project}",
            **(settings or {}),
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        self.module("deploy.make_secrets", ".secrets")

    def up(self, *more: str) -> None:
        """Build and start everything, and wait until all of it is healthy."""
        self.compose("up", "--build", "--detach", "--wait", "--wait-timeout", str(int(UP_SECONDS)), *more)

    def down(self) -> None:
        """Stop everything, and remove its data and its image."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "2", "--rmi", "local")

    def module(self, name: str, *words: str) -> str:
        """Run one of the repository's own programs in the copy, as the Makefile does; what it printed."""
        return self._run([sys.executable, "-m", name, *words])

    def compose(self, *words: str) -> str:
        """Run `docker compose`; what it printed. Raises `ComposeError`."""
        return self._run(["docker", "compose", "--ansi", "never", "--progress", "quiet", *words])

    def server(self, service: str, *words: str) -> str:
        """Run `concord-server` in a container of a service; what it printed."""
        return self.compose("exec", "-T", service, "concord-server", *words).strip()

    def sql(self, database: str, query: str, on: str = "postgresql") -> list[list[str]]:
        """The rows of a query, as text."""
        told = self.compose("exec", "-T", on, "psql", "-U", "postgres", "-d", database, "-AtF", "\t", "-c", query)
        return [line.split("\t") for line in told.splitlines() if line]

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers, running or not, oldest first."""
        return self.compose("ps", "--all", "--quiet", service).split()

    def docker(self, *words: str) -> str:
        """Run `docker`; what it printed. Raises `ComposeError`."""
        return self._run(["docker", *words])

    def transport(self) -> httpx.HTTPTransport:
        """A way for a client through the gateway, which trusts this deployment's own certificate alone."""
        trusted = ssl.create_default_context(cafile=str(self.folder / ".secrets" / "gateway" / "tls.crt"))
        return httpx.HTTPTransport(verify=trusted, limits=httpx.Limits(max_keepalive_connections=20))

    def healthy(self, *services: str, seconds: float = UP_SECONDS) -> None:
        """Wait until every container of these services (or of all) is healthy."""
        chosen = services or COMPONENTS
        wait_for(lambda: self._all_healthy(chosen), seconds, f"{', '.join(chosen)} to be healthy", self.state)

    def state(self) -> str:
        """What a failed test shows: the containers and the end of their logs."""
        return self.compose("ps", "--all") + self.compose("logs", "--tail", "15", "--no-color")

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """Freeze every container of a service: each of its processes stands still, and goes on afterwards.

        By signals, since the engine's own pause needs a freezer that not every machine lets it use.
        """
        stopped = [pid for container in self.containers(service) for pid in self._stop(container)]
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _stop(self, container: str) -> set[int]:
        stopped: set[int] = set()
        while more := self._processes(container) - stopped:  # one of them may just have started another
            for pid in more:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= more
        return stopped

    def _processes(self, container: str) -> set[int]:
        return {int(line) for line in self.docker("top", container, "-eo", "pid").split()[1:]}

    @contextmanager
    def cut_off(self, service: str) -> Iterator[None]:
        """Take a service's containers off every network: what they send is lost, and nobody is told."""
        joined = [(each, name, aliases) for each in self.containers(service) for name, aliases in self._networks(each)]
        for container, network, _ in joined:
            self.docker("network", "disconnect", network, container)
        try:
            yield
        finally:
            for container, network, aliases in joined:
                named = [word for alias in aliases for word in ("--alias", alias)]
                self.docker("network", "connect", *named, network, container)

    def _networks(self, container: str) -> list[tuple[str, list[str]]]:
        shape = "{{range $n, $c := .NetworkSettings.Networks}}{{$n}} {{range $c.Aliases}}{{.}} {{end}}\n{{end}}"
        lines = self.docker("inspect", "--format", shape, container).splitlines()
        return [
            (words[0], [alias for alias in words[1:] if alias != container[:12]])
            for words in map(str.split, lines)
            if words
        ]

    def _all_healthy(self, services: tuple[str, ...]) -> bool:
        shape = "{{.State.Running}} {{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}"
        found = [self.docker("inspect", "--format", shape, *self.containers(each)).split("\n") for each in services]
        return all(line == "true healthy" for lines in found for line in lines if line)

    def _run(self, line: list[str]) -> str:
        started = time.monotonic()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("CONCORD_", "COMPOSE_"))}
        done = subprocess.run(line, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            took = time.monotonic() - started
            raise ComposeError(
                f"{' '.join(line)} failed after {took:.0f} s\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            )
        return done.stdout


class ComposedWorld(World):
    """The people of the journeys, through the gateway of a composition."""

    def __init__(self, folder: Path, composition: Composition) -> None:
        super().__init__(folder)
        self.composition = composition
        self.enrol()

    @property
    def base_url(self) -> str:
        """See `World`."""
        return self.composition.base_url

    def transport(self) -> httpx.BaseTransport:
        """See `World`."""
        return self.composition.transport()

    def operator(self, *words: str) -> str:
        """See `World`."""
        return self.composition.server("directory-api", "directory", *words)

    def _tables(self, service: str) -> Rows:
        names = self.composition.sql(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        # In one query, of one instant: one for each table would take half a minute on a slow machine.
        counts = " UNION ALL ".join(f"SELECT '{name}', ({counting(name)})" for (name,) in names)
        return {name: int(count) for name, count in self.composition.sql(service, counts)}
