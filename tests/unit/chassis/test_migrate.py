"""Migrations: to the newest form, once, whoever asks, and in a moment."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.util import CommandError

from services.chassis import migrate
from services.chassis.config import SERVICES
from services.chassis.db import Database
from services.consent.models import Base as ConsentBase
from tests.unit.chassis.plumbing import until

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
    assert done.wait(60)
    thread.join()
    for database in (ours, theirs):
        database.dispose()


UNDO_0010 = "ALTER TABLE account_alarm DROP COLUMN settled_at"


def put_back(database: Database, revision: str, *undo: str) -> None:
    """A migrated database as an older version left it."""
    with database.transaction() as session:
        for statement in undo:
            session.execute(sa.text(statement))
        session.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


@pytest.fixture
def deployed(fresh_postgresql: Callable[[], str]) -> Iterator[Database]:
    """Consent's database on PostgreSQL, of the newest form."""
    database = Database(fresh_postgresql())
    migrate.upgrade(database, "consent")
    yield database
    database.dispose()


@contextmanager
def upgrading(database: Database) -> Iterator[threading.Event]:
    """An upgrade that runs meanwhile, and has come to its end afterwards."""
    done = threading.Event()

    def upgrade() -> None:
        migrate.upgrade(database, "consent")
        done.set()

    thread = threading.Thread(target=upgrade)
    thread.start()
    yield done
    thread.join(90)
    assert done.is_set()


def valid(database: Database) -> bool | None:
    """Whether the index of pending changes is whole; None where there is none."""
    asked = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_feed_event_pending')"
    with database.transaction() as session:
        return session.scalar(sa.text(asked))


def test_what_a_newer_version_has_migrated_is_left_alone(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """So the version before can be put back."""
    migrate.upgrade(database, "messaging")
    put_back(database, "9999")
    migrate.upgrade(database, "messaging")
    assert migrate.version(database) == "9999"
    assert "messaging is at 9999" in capsys.readouterr().err


def test_a_form_that_nobody_knows_and_that_is_not_newer_is_an_error(database: Database) -> None:
    migrate.upgrade(database, "messaging")
    put_back(database, "0000")
    with pytest.raises(CommandError):
        migrate.upgrade(database, "messaging")


def test_a_long_reader_does_not_queue_everybody_else_behind_the_migration(deployed: Database) -> None:
    put_back(
        deployed,
        "0006",
        "ALTER TABLE outbox DROP COLUMN traceparent",
        "ALTER TABLE feed DROP COLUMN incarnation",
        UNDO_0010,
    )
    with deployed.engine.connect() as reader:
        reader.execute(sa.text("SELECT count(*) FROM outbox"))
        with upgrading(deployed) as done:
            time.sleep(0.5)  # it waits for the reader now, and everybody who comes waits for it
            with deployed.transaction(deadline=migrate.LOCK_MILLISECONDS / 1000 + 10) as session:
                session.execute(sa.text("DELETE FROM outbox"))
            assert not done.is_set()
            reader.rollback()
    assert migrate.version(deployed) == migrate.newest("consent")


def test_an_index_is_built_beside_those_who_write(deployed: Database) -> None:
    put_back(deployed, "0008", "DROP INDEX ix_feed_event_pending", UNDO_0010)
    with deployed.engine.connect() as writer:
        writer.execute(sa.text("DELETE FROM feed_event"))
        with upgrading(deployed) as done:
            until(lambda: valid(deployed) is False, seconds=30)
            time.sleep(migrate.LOCK_MILLISECONDS / 1000 + 0.5)  # longer than it would wait for a lock
            assert valid(deployed) is False, "it waits for the writer, between its two looks at the table"
            with deployed.transaction(deadline=5) as session:
                session.execute(sa.text("DELETE FROM feed_event"))
            assert not done.is_set()
            writer.rollback()
    assert valid(deployed) is True


def test_an_index_whose_building_was_cut_short_is_built_anew(deployed: Database) -> None:
    cut_short = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_feed_event_pending'::regclass"
    put_back(deployed, "0008", cut_short, UNDO_0010)
    assert valid(deployed) is False
    migrate.upgrade(deployed, "consent")
    assert valid(deployed) is True


def test_a_lock_is_left_behind_by_nobody(deployed: Database) -> None:
    with pytest.raises(CommandError):
        put_back(deployed, "0000")
        migrate.upgrade(deployed, "consent")
    with deployed.transaction() as session:
        held = "SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
        here = "WHERE locktype = 'advisory' AND datname = current_database()"
        assert session.scalar(sa.text(f"{held} {here}")) == 0
        assert session.scalar(sa.text("SHOW lock_timeout")) == "0"


def test_a_migration_that_fails_leaves_nothing(database: Database) -> None:
    """The second table of the first migration is in the way: the first one is not there either afterwards."""
    with database.transaction() as session:
        session.execute(sa.text("CREATE TABLE outbox (id INTEGER PRIMARY KEY)"))
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(database, "consent")
    assert sa.inspect(database.engine).get_table_names() == ["outbox"]


def test_three_services_are_ready_in_a_moment(tmp_path: Path) -> None:
    """The embedded start runs all three; a tenth of this is usual. What others make of the processor does not count."""
    started = time.process_time()
    for service in SERVICES:
        database = Database(f"sqlite:///{tmp_path / service}.sqlite")
        migrate.upgrade(database, service)
        database.dispose()
    assert time.process_time() - started < 5.0
