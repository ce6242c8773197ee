"""Letters accepted, gated and released per second, and how long until a letter can be read.

Owns the three throughputs, measured one after the other on the same machine: PostgreSQL's own commits, the bare
route, the real thing. Then the latency from the send to the opened document, at half that load.
"""

from __future__ import annotations

import http.client
import io
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from tests.deployment import Deployment, wait_for
from tests.real import free_port

from .load import BODY_BYTES, Pair, Sender, enrol_pairs, run_clients, seal_letters

CLIENTS = 8
THREADS = 16  # as deployed
SECONDS = 6.0
LATENCY_LETTERS = 60
# Slower than one reader reads: a queue at the reader is not a latency of the service.
LATENCY_PAUSE_SECONDS = 0.15
LETTERS_A_CLIENT = 1200


def measure(folder: Path, postgresql_url: str, amqp_url: str) -> dict[str, float]:
    """Every figure of this part."""
    commits = _commits(postgresql_url)
    bare = _bare(postgresql_url)
    with Deployment(folder / "deployment", postgresql_url, amqp_url, threads=THREADS) as deployment:
        pairs = list(enrol_pairs(deployment, folder / "people", CLIENTS))
        released = _released(deployment, pairs)
        latency = _latency(deployment, pairs, released / 2)
    return {
        "postgresql_commits_per_second": commits,
        "bare_route_per_second": bare,
        "letters_released_per_second": released,
        "letters_to_commits": released / commits,
        "letters_to_bare_route": released / bare,
        **latency,
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


def _released(deployment: Deployment, pairs: list[Pair]) -> float:
    work: list[Callable[[], int]] = []
    for pair in pairs:
        sender, letters = Sender(deployment, pair), iter(seal_letters(pair, LETTERS_A_CLIENT))
        work.append(lambda sender=sender, letters=letters: _send(sender, letters))  # type: ignore[misc]
    run_clients(work, 1.0)  # warm
    count, seconds = run_clients(work, SECONDS)
    return count / seconds


def _send(sender: Sender, letters: Iterator[tuple[object, bytes]]) -> int:
    letter, body = next(letters)
    status = sender.put(letter, body)  # type: ignore[arg-type]
    if status != 201:
        raise RuntimeError(f"a letter was answered with {status}")
    return 1


def _latency(deployment: Deployment, pairs: list[Pair], rate: float) -> dict[str, float]:
    """One pair is watched while the others send at `rate` letters a second together."""
    watched, others = pairs[0], pairs[1:]
    stop = threading.Event()
    background = [threading.Thread(target=_paced, args=(deployment, p, rate / len(others), stop)) for p in others]
    sealed = dict(seal_letters(watched, LATENCY_LETTERS))
    sent: dict[object, float] = {}
    readable: dict[object, float] = {}
    reader = threading.Thread(target=_read_all, args=(watched, set(sealed), readable))
    for thread in (*background, reader):
        thread.start()
    sender = Sender(deployment, watched)
    time.sleep(3)
    for letter, body in sealed.items():
        sent[letter] = time.perf_counter()
        sender.put(letter, body)
        time.sleep(LATENCY_PAUSE_SECONDS)
    reader.join(60)
    stop.set()
    for thread in background:
        thread.join()
    milliseconds = sorted((readable[letter] - sent[letter]) * 1000 for letter in readable)
    return {
        "latency_load_per_second": rate,
        "send_to_readable_p50_ms": statistics.median(milliseconds),
        "send_to_readable_p99_ms": milliseconds[int(len(milliseconds) * 0.99)],
        "letters_read": float(len(milliseconds)),
    }


def _paced(deployment: Deployment, pair: Pair, rate: float, stop: threading.Event) -> None:
    sender, letters = Sender(deployment, pair), seal_letters(pair, int(rate * 20) + 10)
    due = time.perf_counter()
    for letter, body in letters:
        if stop.is_set():
            return
        sender.put(letter, body)
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))


def _read_all(pair: Pair, wanted: set[object], readable: dict[object, float]) -> None:
    entries, after = pair.recipient.letters.inbox()
    while entries:  # what the throughput left behind
        entries, after = pair.recipient.letters.inbox(after=after)
    end = time.perf_counter() + 60
    while wanted - readable.keys() and time.perf_counter() < end:
        entries, after = pair.recipient.letters.inbox(after=after, wait=5)
        for entry in entries:
            if entry.letter in wanted:
                pair.recipient.letters.open(entry.letter, io.BytesIO(), acknowledge=False)
                readable[entry.letter] = time.perf_counter()


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
