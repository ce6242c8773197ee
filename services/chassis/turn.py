"""Whose turn it is: of the processes that could do one kind of work on one database, one does it.

Owns that lock and the connection it hangs on. Refuses to outlive the connection: a lost one is a lost turn, which
the next look notices before any more work is begun. SQLite belongs to one process, and so does every turn there.
"""

from __future__ import annotations

import contextlib
import hashlib

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .db import Database


class Turn:
    """One kind of work on one database. Not thread-safe: each loop makes its own."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        # PostgreSQL's advisory locks are numbers, and belong to one database.
        self._key = int.from_bytes(hashlib.sha256(f"concord {name}".encode()).digest()[:8], "big", signed=True)
        self._connection: Connection | None = None
        self._held = False

    def mine(self) -> bool:
        """Whether this process has the turn now, or could take it. False as well while the database is away."""
        if not self._database.is_postgresql:
            return True
        try:
            return self._look(self._connected())
        except SQLAlchemyError:
            self.release()
            return False

    def release(self) -> None:
        """Give the turn up; the next process that looks has it."""
        connection, self._connection, self._held = self._connection, None, False
        if connection is not None:
            with contextlib.suppress(DBAPIError):
                connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # The lock is the session's, not a transaction's: a connection that went back to the pool would keep it
            # for whoever gets that connection next. Detached, it closes for good and takes the lock along.
            connection.detach()
            self._connection = connection
        return self._connection

    def _look(self, connection: Connection) -> bool:
        if self._held:
            connection.execute(text("SELECT 1"))  # fails when the session is gone, and the lock with it
        else:
            self._held = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}))
        return self._held
