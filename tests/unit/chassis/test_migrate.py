"""Migrations: to the newest form, once, whoever asks, and in a moment."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.chassis import migrate
from services.chassis.config import SERVICES
from services.chassis.db import Database
from services.consent.models import Base as ConsentBase

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("service", SERVICES)
def test_a_database_is_brought_to_the_newest_form_and_stays_there(database: Database, service: str) -> None:
    migrate.upgrade(database, service)
    tables = set(sa.inspect(database.engine).get_table_names())
    assert {"outbox", "alembic_version"} <= tables
    migrate.upgrade(database, service)
    assert set(sa.inspect(database.engine).get_table_names()) == tables


def test_a_table_that_no_migration_makes_is_told(database: Database) -> None:
    models = sa.MetaData()
    for table in ConsentBase.metadata.tables.values():
        table.to_metadata(models)
    assert migrate.differences(database, "consent", models) == []
    sa.Table("forgotten", models, sa.Column("id", sa.Integer, primary_key=True))
    told = migrate.differences(database, "consent", models)
    assert [(what, table.name) for what, table in told] == [("add_table", "forgotten")]


def test_a_column_that_no_model_has_is_told(database: Database) -> None:
    migrate.upgrade(database, "consent")
    with database.transaction() as session:
        session.execute(sa.text("ALTER TABLE outbox ADD COLUMN stray INTEGER"))
    told = migrate.differences(database, "consent", ConsentBase.metadata)
    assert [(each[0], each[3].name) for each in told] == [("remove_column", "stray")]


def test_processes_that_start_together_take_turns(fresh_postgresql: Callable[[], str]) -> None:
    """Without the lock, both would make the same tables."""
    program = f"""
from services.chassis import migrate
from services.chassis.db import Database
migrate.upgrade(Database({fresh_postgresql()!r}), "messaging")
"""
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told


def test_who_comes_while_another_process_migrates_waits(fresh_postgresql: Callable[[], str]) -> None:
    url = fresh_postgresql()
    ours, theirs = Database(url), Database(url)
    done = threading.Event()

    def upgrade() -> None:
        migrate.upgrade(ours, "directory")
        done.set()

    with theirs.transaction() as session:
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": migrate.LOCK_KEY})
        thread = threading.Thread(target=upgrade)
        thread.start()
        assert not done.wait(0.5)
    assert done.wait(15)
    thread.join()
    for database in (ours, theirs):
        database.dispose()


def test_a_migration_that_fails_leaves_nothing(database: Database) -> None:
    """The second table of the first migration is in the way: the first one is not there either afterwards."""
    with database.transaction() as session:
        session.execute(sa.text("CREATE TABLE outbox (id INTEGER PRIMARY KEY)"))
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(database, "consent")
    assert sa.inspect(database.engine).get_table_names() == ["outbox"]


def test_three_services_are_ready_in_a_moment(tmp_path: Path) -> None:
    """The embedded start runs all three; a tenth of this is usual."""
    started = time.monotonic()
    for service in SERVICES:
        database = Database(f"sqlite:///{tmp_path / service}.sqlite")
        migrate.upgrade(database, service)
        database.dispose()
    assert time.monotonic() - started < 5.0
