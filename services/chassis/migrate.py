"""Migrations: each service's own history, run by alembic.

Owns how a database is brought to the newest form, and the question whether models and migrations agree. Refuses to
guess: a migration is written by hand or reviewed, and lives in `services/<service>/migrations/versions`. Refuses to
stop the version that works meanwhile: on PostgreSQL each migration commits by itself, none waits in a queue for longer
than a moment, and an index is built beside those who write.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command, context, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import DBAPIError

from .db import Database
from .logs import logger

# Any number that nothing else in these databases locks.
LOCK_KEY = 0x636F6E63
# alembic keeps the migration that is running in a variable of its module.
_one_in_this_process = threading.Lock()
# Whoever needs a table waits behind a migration that waits for it: so long at most, then it is let through first.
LOCK_MILLISECONDS = 2000
TRIES = 30
PAUSE_SECONDS = 1.0
# lock_not_available, deadlock_detected
_IN_THE_WAY = {"55P03", "40P01"}
_log = logger("migrate")


def upgrade(database: Database, service: str) -> None:
    """Bring the database of a service to the newest form.

    Safe to run again; on PostgreSQL several callers take turns. One that a newer version has migrated is left alone:
    every migration leaves the version before it able to work.
    """
    with _one_in_this_process, database.engine.connect() as connection, _turn(connection):
        here = MigrationContext.configure(connection).get_current_revision()
        if here is not None and _is_newer(here, service):
            _log.warning(
                "database is newer, left alone", reason=f"{service} is at {here}, known here: {newest(service)}"
            )
            return
        if database.is_postgresql:
            connection.commit()  # alembic commits each migration only where nothing is open yet
            _patiently(connection, service)
        else:
            command.upgrade(_config(service, connection), "head")
        connection.commit()


def build_index(name: str, table: str, columns: list[str], where: str) -> None:
    """In a migration of its own: an index of the rows that `where` chooses, beside those who write meanwhile."""
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(name, table, columns, sqlite_where=text(where))
        return
    with op.get_context().autocommit_block():
        # It waits for all who were there before it, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        # One that was interrupted is there, and is not valid.
        op.drop_index(name, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_where=text(where), postgresql_concurrently=True)
        op.execute(f"SET lock_timeout = {LOCK_MILLISECONDS}")


def version(database: Database) -> str | None:
    """The form that a database has, or None when it was never migrated."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest(service: str) -> str:
    """The form that this version of a service needs."""
    return _scripts(service).get_current_head() or ""


def differences(database: Database, service: str, metadata: MetaData) -> list[Any]:
    """What the models of a service have and its migrated database has not, or the other way round."""
    upgrade(database, service)
    with database.engine.connect() as connection:
        here = MigrationContext.configure(connection, opts={"include_object": _is_of_both(connection)})
        return list(compare_metadata(here, metadata))


def _is_of_both(connection: Connection) -> Callable[..., bool]:
    """Which tables and indexes a model and a database must both have.

    Not the tables of SQLite's full-text search, which no model speaks of; nor, on SQLite, an index of a kind that only
    PostgreSQL has.
    """

    def included(what: Any, name: str | None, type_: str, *_: object) -> bool:
        if connection.dialect.name == "postgresql":
            return True
        special = type_ == "index" and what.dialect_options["postgresql"]["using"]
        return not (special or (type_ == "table" and "_fts" in (name or "")))

    return included


def run(connection: Connection) -> None:
    """Run the migrations on a connection; called by alembic through each service's `env.py`."""
    context.configure(
        connection=connection, transactional_ddl=True, transaction_per_migration=True, render_as_batch=False
    )
    context.run_migrations()


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Alone among all processes that migrate this database; on SQLite the one transaction is that by itself.

    By asking again and again: who waited within a statement would be one of those whom a new index waits for.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}):
        connection.rollback()
        time.sleep(0.2)
    connection.commit()
    try:
        yield
    finally:  # the connection goes back to a pool
        connection.rollback()
        connection.execute(text("RESET lock_timeout"))
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
        connection.commit()


def _patiently(connection: Connection, service: str) -> None:
    """Run what is missing; a migration that somebody is in the way of lets them through, and is tried again."""
    for tries_left in reversed(range(TRIES)):
        connection.execute(text(f"SET lock_timeout = {LOCK_MILLISECONDS}"))
        connection.commit()
        try:
            command.upgrade(_config(service, connection), "head")
            return
        except DBAPIError as error:
            if not tries_left or getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
                raise
            connection.rollback()
            time.sleep(PAUSE_SECONDS)


def _is_newer(revision: str, service: str) -> bool:
    known = {script.revision for script in _scripts(service).walk_revisions()}
    return revision not in known and revision > newest(service)


def _scripts(service: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(_located(service))


def _config(service: str, connection: Connection) -> Config:
    config = _located(service)
    config.attributes["connection"] = connection
    return config


def _located(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder(service)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _folder(service: str) -> Path:
    return Path(__file__).resolve().parent.parent / service / "migrations"
