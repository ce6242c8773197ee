"""One database a service: PostgreSQL as deployed, SQLite as embedded.

Owns engines, transactions and the few ways in which the two databases differ. Refuses queries: those belong to the
services.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.orm import DeclarativeBase, Session

# Names that a migration can refer to, the same on both databases.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


# A database host that swallows packets would otherwise hold a thread for minutes.
CONNECT_SECONDS = 5
# Nor may one that dies under a connection: a machine that is gone says no farewell, and TCP alone waits for a quarter
# of an hour. Longer than any deadline of ours, so that nothing is given up that would have been answered.
CONNECTING: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def naming() -> MetaData:
    """A fresh MetaData with the naming convention; each service's `models.py` makes one `Base` on it."""
    return MetaData(naming_convention=NAMING)


class DeadlineExceededError(RuntimeError):
    """The transaction was ended by the database because it outlived its deadline; nothing of it stands."""


class DatabaseUnavailableError(RuntimeError):
    """The database did not answer."""


class Database:
    """Transactions on one database. Thread-safe; make one per process, after any fork."""

    def __init__(self, url: str, *, pool_size: int = 10, session_settings: Mapping[str, str] | None = None) -> None:
        """`session_settings` are set on each connection to PostgreSQL, by name; SQLite has none."""
        self.url = make_url(url)
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self.engine = _postgresql(url, pool_size, session_settings or {}) if self.is_postgresql else _sqlite(url)

    @contextmanager
    def transaction(self, *, deadline: float | None = None) -> Iterator[Session]:
        """One transaction, committed at the end of the block, rolled back if it raises.

        `deadline` (seconds) makes PostgreSQL end a transaction that waits for its client, a lock or a statement
        longer than that. SQLite has no such thing: there a deadline is what the caller's own clock says before the
        commit. Raises `DeadlineExceededError`, `DatabaseUnavailableError`.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                if deadline is not None and self.is_postgresql:
                    session.execute(_SET_DEADLINE, {"ms": str(int(deadline * 1000))})
                yield session
        except NoConnectionFreeError as error:
            raise DatabaseUnavailableError("every connection of this process is in use") from error
        except DBAPIError as error:
            if (translated := _translated(error)) is None:
                raise
            raise translated from error

    def dispose(self) -> None:
        """Close every connection of this process."""
        self.engine.dispose()


def create_all(database: Database, base: type[DeclarativeBase]) -> None:
    """Create the tables of `base` without their migrations: for tests of one room only."""
    base.metadata.create_all(database.engine)


_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)"
_SET_DEADLINE = text(
    "SELECT set_config('statement_timeout', :ms, true), set_config('lock_timeout', :ms, true), "
    "set_config('idle_in_transaction_session_timeout', :ms, true)"
)

# query_canceled, lock_not_available, idle_in_transaction_session_timeout, transaction_timeout
_DEADLINE_STATES = {"57014", "55P03", "25P03", "25P04"}
# "program limit exceeded", such as a value too large for an index: the driver calls that operational, as an outage.
_LIMIT_CLASS = "54"


def _translated(error: DBAPIError) -> Exception | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    if state in _DEADLINE_STATES:
        return DeadlineExceededError("the transaction outlived its deadline")
    # SQLite calls a statement that is wrong operational too; that is a fault of ours, and no outage.
    ours = state.startswith(_LIMIT_CLASS) or getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR"
    if error.connection_invalidated or (isinstance(error, OperationalError) and not ours):
        return DatabaseUnavailableError("the database did not answer")
    return None


def lacks_a_table(error: DBAPIError) -> bool:
    """Whether a statement failed for a table that is not there: the database was not migrated."""
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)


def _postgresql(url: str, pool_size: int, session_settings: Mapping[str, str]) -> Engine:
    # READ COMMITTED: a row read FOR SHARE is read as last committed, which the gate relies upon.
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        connect_args=CONNECTING,
        isolation_level="READ COMMITTED",
    )
    event.listen(engine, "connect", lambda connection, _: _set(connection, session_settings))
    event.listen(engine, "checkout", _on_postgresql_checkout)
    return engine


def _set(connection: Any, settings: Mapping[str, str]) -> None:
    if settings:
        with connection.cursor() as cursor:
            cursor.execute(_SET, (list(settings), list(settings.values())))
        connection.commit()  # a rollback would take them back


def _on_postgresql_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
    """Raises `InvalidatePoolError`, on which the pool connects anew, for a connection that the server has ended.

    What an idle server says unasked is its farewell. To see that takes no question and no answer over the wire.
    """
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    if said.poll(0):
        raise InvalidatePoolError("the server has ended this connection")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 10, "check_same_thread": False})
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: BEGIN IMMEDIATE below does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: Any) -> None:
    # A deferred transaction that reads first and writes later can fail at the upgrade; this takes the write lock at
    # once.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
