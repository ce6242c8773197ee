"""What the key log costs the directory: tiles, bundles and checkpoints given out, bindings taken in.

Owns a directory's database with a log of a million bindings, asked in this process, and the ratio to a transaction that
does nothing, or commits one row. Refuses to record a million key entries: the log's rows are filled by COPY, with the
tree that belongs to them, and the server's own checkpoint says so.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from concord_formats.key_log import BindingKind
from concord_formats.merkle import Node, places
from concord_formats.notes import Checkpoint, unverified_text
from concord_formats.tiles import TILE_WIDTH, Tile
from sqlalchemy import make_url, text

from services.chassis import migrate
from services.chassis.clock import SystemClock
from services.chassis.config import SERVICES, Settings
from services.chassis.db import Database
from services.chassis.log_key import make_log_key
from services.chassis.service_auth import ServiceVerifier, make_keys
from services.chassis.wake import LocalNotifier
from services.directory import app, key_log, usecases
from services.directory.deps import Deps

from .large_log import BASE_URL, KINDS, SIZE, build

SECONDS = 2.0


def measure(folder: Path, postgresql_url: str) -> dict[str, float]:
    """The log is left in `folder` for whoever follows it; the database goes."""
    make_keys(folder / "keys", SERVICES)
    make_log_key(folder / "keys" / "key-log.jwk")
    with _database(postgresql_url) as database:
        built = _fill(database, folder)
        return {"key_log_built_seconds": built, **_figures(_deps(folder / "keys", database))}


def _figures(deps: Deps) -> dict[str, float]:
    said = Checkpoint.parse(unverified_text(usecases.log_checkpoint(deps)))
    if said.size != SIZE:
        raise RuntimeError("the log that was filled is not the log that was built")
    full = SIZE // TILE_WIDTH
    bare = _rate(lambda: _bare(deps.database))
    rates = {
        "tiles": _rate(lambda: usecases.log_tile(deps, Tile(0, random.randrange(full)))),
        "tiles_above": _rate(lambda: usecases.log_tile(deps, Tile(1, random.randrange(full // TILE_WIDTH)))),
        "bundles": _rate(lambda: usecases.log_bundle(deps, random.randrange(full), TILE_WIDTH)),
        "checkpoints": _rate(lambda: usecases.log_checkpoint(deps)),
    }
    figures = {f"key_log_{what}_per_second": rate for what, rate in rates.items()}
    figures |= {f"key_log_{what}_in_bare_transactions": bare / rate for what, rate in rates.items()}
    with deps.database.transaction() as session:
        session.execute(text("CREATE TABLE bare (n serial PRIMARY KEY, body bytea)"))
    commits, recorded = _rate(lambda: _commit(deps.database)), _rate(_recording(deps))
    return figures | {
        "key_log_bindings_recorded_per_second": recorded,
        "key_log_bindings_recorded_in_bare_commits": commits / recorded,
    }


def _recording(deps: Deps) -> Callable[[], None]:
    """One binding more, with the checkpoint that reaches it, in a transaction of its own."""
    account, numbers = UUID(int=1), iter(range(len(KINDS) + 1, 4096))

    def once() -> None:
        nonlocal account, numbers
        n = next(numbers, None)
        if n is None:
            account, numbers = UUID(int=account.int + 1), iter(range(len(KINDS) + 1, 4096))
            n = next(numbers)
        told = {"kind": BindingKind.KEYS_CHANGED, "entry_digest": "0" * 64, "at": datetime.now(UTC)}
        with deps.database.transaction() as session:
            key_log.record(deps, session, account=account, n=n, **told)  # type: ignore[arg-type]

    return once


def _bare(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SELECT 1"))


def _commit(database: Database) -> None:
    """One row of a binding's size."""
    with database.transaction() as session:
        session.execute(text("INSERT INTO bare (body) VALUES (:body)"), {"body": bytes(250)})


def _rate(work: Callable[[], object]) -> float:
    done, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        work()
        done += 1
    return done / SECONDS


def _fill(database: Database, folder: Path) -> float:
    """Build the log, in files and in the tables; seconds of the building alone, without either."""
    spent, newest = 0.0, dict[int, Node]()
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(url) as one,
        psycopg.connect(url) as other,
        one.cursor().copy("COPY key_leaf (place, data, account, n) FROM STDIN") as leaves,
        other.cursor().copy("COPY key_node (level, place, hash) FROM STDIN") as nodes,
    ):
        for part in build(folder):
            spent += part.seconds
            for place, (each, line) in enumerate(zip(part.bindings, part.lines, strict=True), part.start):
                leaves.write_row((place, line, each.account, each.n))
            for new in part.nodes:
                newest[new.level] = new
                if new.level:
                    nodes.write_row((new.level, new.index, new.hash))
    peaks = b"".join(newest[level].hash for level, _ in places(0, SIZE))
    with database.transaction() as session:
        session.execute(text("UPDATE key_log SET size = :size, peaks = :peaks"), {"size": SIZE, "peaks": peaks})
        session.execute(text("ANALYZE key_leaf, key_node"))
    return spent


def _deps(keys: Path, database: Database) -> Deps:
    settings = Settings(
        service="directory",
        database_url=database.url.render_as_string(hide_password=False),
        base_url=BASE_URL,
        service_key_file=keys / "directory.jwk",
        service_keys_file=keys / "services.jwks",
        log_key_file=keys / "key-log.jwk",
    )
    return app.assemble(settings, database, LocalNotifier(), SystemClock(), ServiceVerifier.from_settings(settings))


@contextmanager
def _database(postgresql_url: str) -> Iterator[Database]:
    """A directory's database of its own."""
    name, url = f"concord_bench_{uuid4().hex[:10]}", make_url(postgresql_url)
    server = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            said = url.set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
            database = Database(said)
            migrate.upgrade(database, "directory")
            yield database
            database.dispose()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
