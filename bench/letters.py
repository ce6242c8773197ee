"""Letters accepted, gated and released per second.

Owns the three throughputs, measured one right after the other on the same machine: PostgreSQL's own commits, the bare
route, the real thing. Refuses to seal while it measures: sealing is the clients' work, and has a figure of its own.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from tests.deployment import Deployment, wait_for
from tests.real import free_port

from . import latency
from .load import BODY_BYTES, Pair, Sealed, Sender, enrol_pairs, run_clients, seal_letters

CLIENTS = 8
THREADS = 16  # as deployed
SECONDS = 6.0
LETTERS_A_CLIENT = 1200


def measure(folder: Path, postgresql_url: str, amqp_url: str) -> dict[str, float]:
    """Every figure of this part."""
    with Deployment(folder / "deployment", postgresql_url, amqp_url, threads=THREADS) as deployment:
        pairs = list(enrol_pairs(deployment, folder / "people", CLIENTS))
        sealed = [seal_letters(pair, LETTERS_A_CLIENT) for pair in pairs]
        commits = _commits(postgresql_url)
        bare = _bare(postgresql_url)
        released = _released(deployment, pairs, sealed)
        readable = latency.measure(deployment, pairs, released / 2)
    return {
        "postgresql_commits_per_second": commits,
        "bare_route_per_second": bare,
        "letters_released_per_second": released,
        "letters_to_commits": released / commits,
        "letters_to_bare_route": released / bare,
        **readable,
    }


def _commits(postgresql_url: str) -> float:
    with _table(postgresql_url):
        connections = [psycopg.connect(postgresql_url) for _ in range(CLIENTS)]
        body = os.urandom(BODY_BYTES)

        def commit(connection: psycopg.Connection) -> int:
            with connection.transaction():
                connection.execute("INSERT INTO bare (body) VALUES (%s)", (body,))
            return 1

        count, seconds = run_clients([lambda c=c: commit(c) for c in connections], SECONDS)  # type: ignore[misc]
        for connection in connections:
            connection.close()
    return count / seconds


def _bare(postgresql_url: str) -> float:
    port = free_port()
    line = [sys.executable, "-m", "gunicorn", "bench.bare:app", "--worker-class", "gthread", "--workers", "2"]
    line += ["--threads", str(THREADS), "--bind", f"127.0.0.1:{port}", "--keep-alive", "75", "--log-level", "error"]
    body = os.urandom(BODY_BYTES)
    with _table(postgresql_url):
        server = subprocess.Popen(line, env=os.environ | {"BARE_DATABASE": postgresql_url})
        try:
            wait_for(lambda: _answers(port), 20, "the bare route")
            clients = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(CLIENTS)]
            count, seconds = run_clients([lambda c=c: _put(c, body) for c in clients], SECONDS)  # type: ignore[misc]
        finally:
            server.terminate()
            server.wait()
    return count / seconds


def _released(deployment: Deployment, pairs: list[Pair], sealed: list[list[Sealed]]) -> float:
    work: list[Callable[[], int]] = []
    for pair, each in zip(pairs, sealed, strict=True):
        sender, letters = Sender(deployment, pair), iter(each)
        work.append(lambda sender=sender, letters=letters: _send(sender, letters))  # type: ignore[misc]
    run_clients(work, 1.0)  # warm
    count, seconds = run_clients(work, SECONDS)
    return count / seconds


def _send(sender: Sender, letters: Iterator[Sealed]) -> int:
    letter, body = next(letters)
    status = sender.put(letter, body)
    if status != 201:
        raise RuntimeError(f"a letter was answered with {status}")
    return 1


@contextmanager
def _table(postgresql_url: str) -> Iterator[None]:
    with psycopg.connect(make_url(postgresql_url).render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)")
        yield
        connection.execute("DROP TABLE bare")


def _put(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("PUT", f"/{uuid4()}", body)
    answer = connection.getresponse()
    answer.read()
    return 1


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    return True
