"""docker compose, as the operator's programs call it.

Owns the call, its errors and the lines that an operator reads. Refuses a shell: nothing that is typed is interpreted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from .env_file import read_env

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("directory", "consent", "messaging")
STANDBY = "postgresql-standby"
# Of each kind, in the order in which a newer version must come: messaging knows new events before others tell them.
PROCESSES = tuple(
    f"{service}-{kind}" for service in ("messaging", "consent", "directory") for kind in ("worker", "api")
)


class ComposeError(RuntimeError):
    """A command failed: which, and what it said last."""


def compose(*words: str, also: tuple[str, ...] = (), stdin: IO[bytes] | bytes | None = None) -> str:
    """Run `docker compose` in the repository's folder; what it printed.

    `also` are files beyond those of the deployment. `stdin` is where a secret goes in, which no argument may hold.
    Raises `ComposeError`.
    """
    environment = dict(os.environ)
    if also:  # else compose finds the deployment's files by itself
        environment["COMPOSE_FILE"] = ":".join((own_files(), *also))
    return _run(["docker", "compose", *words], environment, stdin)


def docker(*words: str) -> str:
    """Run `docker`; what it printed. Raises `ComposeError`."""
    return _run(["docker", *words], dict(os.environ), None)


def _run(line: list[str], environment: dict[str, str], stdin: IO[bytes] | bytes | None) -> str:
    told: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin or subprocess.DEVNULL}
    done: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603 - words of our own, no shell
        line, cwd=ROOT, env=environment, capture_output=True, check=False, **told
    )
    if done.returncode:
        said = [each.strip() for each in done.stderr.decode(errors="replace").splitlines() if each.strip()]
        raise ComposeError(f"{' '.join(line[:6])}: " + "; ".join(said[-4:]))
    return done.stdout.decode()


def own_files() -> str:
    """The deployment's own compose files, as COMPOSE_FILE names them, else those that compose takes by itself."""
    told = os.environ.get("COMPOSE_FILE") or read_env(ROOT / ".env").get("COMPOSE_FILE")
    usual = [name for name in ("docker-compose.yml", "docker-compose.override.yml") if (ROOT / name).exists()]
    return told or ":".join(usual)


def configured(what: str) -> list[str]:
    """The names of the deployment's `services` or `volumes`, its overrides included. Raises `ComposeError`."""
    return compose("config", f"--{what}").split()


def containers(*services: str) -> list[dict[str, Any]]:
    """What compose knows of each container of these services (or of all), running or not. Raises `ComposeError`."""
    every = map(json.loads, compose("ps", "--all", "--format", "json", *services).splitlines())
    return [each for each in every if "com.docker.compose.oneoff=True" not in each["Labels"]]  # of `compose run`


def healthy(container: str) -> bool:
    """Whether a container runs, and its own check, if it has one, says so."""
    state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
    health = state.get("Health") or {"Status": "healthy"}
    return bool(state["Running"] and health["Status"] == "healthy")


def primary() -> str:
    """The service whose PostgreSQL takes writes: after a fail-over the former standby. Raises `ComposeError`."""
    running = compose("ps", "--services", "--status", "running").split()
    for service in ("postgresql", STANDBY):
        # One of them may be read-only, or not answer: a former primary that is fenced off, a standby.
        with suppress(ComposeError):
            if service in running and takes_writes(service):
                return service
    raise ComposeError("no PostgreSQL answers that takes writes")


def takes_writes(service: str) -> bool:
    """Whether a service's PostgreSQL takes writes, rather than follow another one. Raises `ComposeError`."""
    return sql("SELECT pg_is_in_recovery()", service=service) == "f"


def sql(query: str, database: str = "postgres", service: str | None = None) -> str:
    """What PostgreSQL answers to one query, as text. Raises `ComposeError`."""
    return compose(
        "exec", "-T", service or primary(), "psql", "-U", "postgres", "-d", database, "-AtqXc", query
    ).strip()


def wait_for(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Until something holds. Raises `ComposeError` that says what did not."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise ComposeError(f"{what} did not happen within {seconds:.0f} seconds")
        time.sleep(0.5)


def say(text: str) -> None:
    """A line for the operator."""
    print(text, flush=True)  # noqa: T201 - a program's output


def fail(message: str, hint: str) -> NoReturn:
    """End with `error:` and `hint:`."""
    sys.exit(f"error: {message}\nhint: {hint}")
