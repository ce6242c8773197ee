"""Migrations: each service's own history, run by alembic.

Owns how a database is brought to the newest form, and the question whether models and migrations agree. Refuses to
guess: a migration is written by hand or reviewed, and lives in `services/<service>/migrations/versions`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

from .db import Database

# Any number that nothing else in these databases locks.
LOCK_KEY = 0x636F6E63
# alembic keeps the migration that is running in a variable of its module.
_one_in_this_process = threading.Lock()


def upgrade(database: Database, service: str) -> None:
    """Bring the database of a service to the newest form.

    Safe to run again; on PostgreSQL several callers take turns.
    """
    with _one_in_this_process, database.engine.connect() as connection:
        if database.is_postgresql:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        command.upgrade(_config(service, connection), "head")
        connection.commit()


def differences(database: Database, service: str, metadata: MetaData) -> list[Any]:
    """What the models of a service have and its migrated database has not, or the other way round."""
    upgrade(database, service)
    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def run(connection: Connection) -> None:
    """Run the migrations on a connection; called by alembic through each service's `env.py`."""
    context.configure(connection=connection, transactional_ddl=True, render_as_batch=False)
    context.run_migrations()


def _config(service: str, connection: Connection) -> Config:
    config = Config()
    folder = Path(__file__).resolve().parent.parent / service / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
