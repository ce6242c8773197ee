"""The gate's own connections: where PostgreSQL ends whatever waits longer than a gate may.

Owns the bounds and the size of the pool. Refuses to say how long that is: `gate.py` does.
"""

from __future__ import annotations

from services.chassis.db import Database

_BOUNDS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
# As many again when they are needed: together the threads of a web process, each of which may be at the gate.
POOL_SIZE = 8


def bounded(database: Database, seconds: float) -> Database:
    """The same database on connections where PostgreSQL ends whatever waits longer: for a statement, a lock, or us.

    Set once a connection rather than once a transaction, which would cost every letter a round trip; and by statements,
    for a pooler in between drops what only stands in the startup message. SQLite has no such bounds.
    """
    if not database.is_postgresql:
        return database
    bounds = {name: str(int(seconds * 1000)) for name in _BOUNDS}
    return Database(database.url.render_as_string(hide_password=False), pool_size=POOL_SIZE, session_settings=bounds)
