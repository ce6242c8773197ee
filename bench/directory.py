"""What it costs to find a colleague among a million, against a plain indexed query of the same tables in the same run.

Owns a directory on a database of its own, asked in this process, and the mix of questions. Refuses HTTP: what a request
costs there is measured in `letters.py`.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import make_url, select

from services.chassis import migrate
from services.chassis.barrier import Barrier
from services.chassis.clock import SystemClock
from services.chassis.config import Settings
from services.chassis.db import Database
from services.chassis.feed import Feed
from services.chassis.log_key import LogKey
from services.chassis.service_auth import ServiceVerifier
from services.chassis.wake import LocalNotifier
from services.directory import models
from services.directory.deps import Deps
from services.directory.finding.listing_questions import Wanted
from services.directory.finding.listing_search import search
from services.directory.models import Listing, ListingTag
from services.directory.rules import towns

from . import directory_data, directory_people, directory_plain

SIZE = 1_000_000
ROUNDS = 12
PAGE = 20
_TOWNS = (
    "Springfield, MA",
    "Chicago, IL",
    "10001",
    "Houston, TX",
    "Boise, ID",
    "Los Angeles, CA",
    "Bangor, ME",
    "33101",
)


def measure(postgresql_url: str, size: int = SIZE) -> dict[str, float]:
    """Milliseconds of the plain query, and how many times as long a clinician's questions take."""
    name = f"concord_bench_{uuid4().hex[:10]}"
    url = make_url(postgresql_url)
    with psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            return _measure(url.set(database=name), size)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _measure(url: object, size: int) -> dict[str, float]:
    address = make_url(url)  # type: ignore[arg-type]
    database = Database(address.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    migrate.upgrade(database, "directory")
    plain_url = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url) as filling:
        directory_data.fill(filling, size)
    figures = _figures(database)
    database.dispose()
    return figures


def _figures(database: Database) -> dict[str, float]:
    deps, draw = _deps(database), random.Random(directory_people.SEED)
    towns.place(_TOWNS[0])  # which a process reads once
    plain = [_plain(database, draw) for _ in range(200)]
    taken: dict[str, list[float]] = {}
    alike: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for kind, wanted in _questions(database, draw):
            taken.setdefault(kind, []).append(_timed(lambda asked=wanted: search(deps, None, asked, None, PAGE)))  # type: ignore[misc]
            alike.setdefault(kind, []).append(directory_plain.timed(database, wanted, PAGE, typo="typo" in kind))
        plain += [_plain(database, draw) for _ in range(10)]
    base = {share: _quantile(plain, share) for share in (50, 95)}
    figures = {f"directory_plain_query_ms_p{share}": value for share, value in base.items()}
    every = [each for times in taken.values() for each in times]
    for share, value in base.items():
        figures[f"directory_questions_p{share}_of_plain_query"] = _quantile(every, share) / value
    for kind, times in taken.items():
        figures[f"directory_{kind}_p95_of_plain_query"] = _quantile(times, 95) / base[95]
        for share in (50, 95):
            same = _quantile(alike[kind], share)
            figures[f"directory_{kind}_p{share}_of_the_same_filter"] = _quantile(times, share) / same
    filtered = [each for times in alike.values() for each in times]
    for share in (50, 95):
        figures[f"directory_questions_p{share}_of_the_same_filter"] = _quantile(every, share) / _quantile(
            filtered, share
        )
    return figures


def _questions(database: Database, draw: random.Random) -> Iterator[tuple[str, Wanted]]:
    """What clinicians ask, by kind; names are those of people who are there."""
    first, last = _somebody(database, draw).split(maxsplit=1)
    typo = last[0] + last[2] + last[1] + last[3:] if len(last) > 4 else last
    town = draw.choice(_TOWNS)
    psych = draw.choice(("psychologist", "psychiatrist", "addiction medicine", "child psychologist", "LCSW"))
    yield "name", Wanted(q=f"{first} {last}")
    yield "last_name", Wanted(name=last)
    yield "common_name", Wanted(q=draw.choice(("smith", "maria garcia", "john johnson", "nguyen")))
    yield "name_with_typo", Wanted(q=f"{first} {typo}")
    yield "name_of_specialty", Wanted(name=last, specialties=("mental health",))
    yield "specialty_near", Wanted(q=f"{psych} near {town}")
    yield "specialty_near_words", Wanted(specialties=("mental health",), near=town, within_km=40)
    yield "specialty_near_accepting", Wanted(specialties=(psych,), near=town, accepting=True, language="Spanish")
    yield "specialty_by_telehealth", Wanted(specialties=(psych,), telehealth=True, plan="aetna")
    yield "specialty", Wanted(q=psych)
    yield "name_near", Wanted(q=f"{last} {psych} near {town}")
    yield "organization", Wanted(organization=directory_data.organization_name(draw.randrange(400)))


def _somebody(database: Database, draw: random.Random) -> str:
    npi = f"{1_000_000_000 + draw.randrange(5_000)}"
    with database.transaction() as session:
        name = session.scalar(select(Listing.name).where(Listing.npi == npi)) or ""
    return name if name.count(" ") == 1 else _somebody(database, draw)


def _plain(database: Database, draw: random.Random) -> float:
    """One page by an index: everybody of a specialty in a square of half a degree, without any order."""
    somewhere = select(ListingTag.tag, ListingTag.cell).where(ListingTag.listing_id >= uuid4()).limit(1)
    with database.transaction() as session:
        tag, cell = session.execute(somewhere.order_by(ListingTag.listing_id)).one()
    page = (
        select(Listing)
        .join(ListingTag, ListingTag.listing_id == Listing.id)
        .where(ListingTag.tag == tag, ListingTag.cell == cell)
        .limit(PAGE)
    )

    def ask() -> None:
        with database.transaction() as session:
            session.scalars(page).all()

    return _timed(ask)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _quantile(times: list[float], share: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[share - 1]


def _deps(database: Database) -> Deps:
    settings = Settings(
        service="directory",
        database_url=database.url.render_as_string(hide_password=False),
        base_url="http://bench.test",
        service_key_file=Path("none"),
        service_keys_file=Path("none"),
    )
    clock, notifier = SystemClock(), LocalNotifier()
    feed = Feed(database, notifier, clock, settings, models)
    key = LogKey("bench.test/log", Ed25519PrivateKey.generate())
    return Deps(settings, database, clock, feed, Barrier(feed, clock), notifier, ServiceVerifier("directory", {}), key)


if __name__ == "__main__":
    from tests import real

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="how many entries")
    for what, value in measure(real.POSTGRESQL, parser.parse_args().size).items():
        print(f"{what} {value:.2f}")
