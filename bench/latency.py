"""From the send of a letter until its recipient can read it, while others send.

Owns that latency and its three parts: accepted, listed to a recipient who waits, opened. Refuses to begin before what
an earlier load left behind is done: the account of its letters is followed for a while after them.
"""

from __future__ import annotations

import io
import statistics
import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from tests.deployment import Deployment

from .load import Pair, Sender, seal_letters, steady_load

LETTERS = 120
# Slower than one reader reads: a queue at the reader is not a latency of the service.
PAUSE_SECONDS = 0.15
WARM_SECONDS = 3.0
# The load goes on for longer than the watched letters take.
LOAD_SECONDS = WARM_SECONDS + LETTERS * PAUSE_SECONDS * 1.5
QUIET_SECONDS = 2.0


@dataclass
class _Instants:
    """When each watched letter was sent, accepted, listed and open."""

    sent: dict[UUID, float] = field(default_factory=dict)
    accepted: dict[UUID, float] = field(default_factory=dict)
    listed: dict[UUID, float] = field(default_factory=dict)
    readable: dict[UUID, float] = field(default_factory=dict)


def measure(deployment: Deployment, pairs: list[Pair], rate: float) -> dict[str, float]:
    """One pair is watched while the others send `rate` letters a second together."""
    watched, others = pairs[0], pairs[1:]
    sealed, instants = dict(seal_letters(watched, LETTERS)), _Instants()
    after = _read_up(watched)
    _settle(deployment)
    with steady_load(deployment, others, rate, LOAD_SECONDS):
        reader = threading.Thread(target=_read_all, args=(watched, after, set(sealed), instants))
        reader.start()
        sender = Sender(deployment, watched)
        time.sleep(WARM_SECONDS)
        for letter, body in sealed.items():
            instants.sent[letter] = time.perf_counter()
            sender.put(letter, body)
            instants.accepted[letter] = time.perf_counter()
            time.sleep(PAUSE_SECONDS)
        reader.join()
    return _figures(instants) | {"latency_load_per_second": rate}


def _figures(instants: _Instants) -> dict[str, float]:
    whole = sorted(_milliseconds(instants.sent, instants.readable))
    return {
        "send_to_readable_p50_ms": statistics.median(whole),
        "send_to_readable_p99_ms": whole[int(len(whole) * 0.99)],
        "send_to_accepted_p50_ms": statistics.median(_milliseconds(instants.sent, instants.accepted)),
        "accepted_to_listed_p50_ms": statistics.median(_milliseconds(instants.accepted, instants.listed)),
        "listed_to_readable_p50_ms": statistics.median(_milliseconds(instants.listed, instants.readable)),
        "letters_read": float(len(whole)),
    }


def _milliseconds(begin: dict[UUID, float], end: dict[UUID, float]) -> list[float]:
    return [(end[letter] - begin[letter]) * 1000 for letter in end]


def _read_up(pair: Pair) -> str | None:
    """Past what the throughput left behind; the place from which to read on."""
    entries, after = pair.recipient.letters.inbox()
    while entries:
        entries, after = pair.recipient.letters.inbox(after=after)
    return after


def _read_all(pair: Pair, after: str | None, wanted: set[UUID], instants: _Instants) -> None:
    end = time.perf_counter() + 60
    while wanted - instants.readable.keys() and time.perf_counter() < end:
        entries, after = pair.recipient.letters.inbox(after=after, wait=5)
        now = time.perf_counter()
        for letter in [entry.letter for entry in entries if entry.letter in wanted]:
            instants.listed[letter] = now
            pair.recipient.letters.open(letter, io.BytesIO(), acknowledge=False)
            instants.readable[letter] = time.perf_counter()


def _settle(deployment: Deployment) -> None:
    """Until the consent service has followed the account of every letter so far; at most a minute."""
    url = make_url(deployment.database_url("consent")).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        end, before = time.perf_counter() + 60, -1
        while time.perf_counter() < end and (now := _lines(connection)) != before:
            before = now
            time.sleep(QUIET_SECONDS)


def _lines(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM disclosure").fetchone()
    return int(row[0]) if row else 0
