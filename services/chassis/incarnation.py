"""Which body a database has: what a restore, a fail-over or a copy changes, and a restart does not.

Owns the question, asked once a connection. Refuses to name a cause: whether commits were lost on the way nobody here
can tell, so whoever sees another incarnation than it knew assumes that some were. Specified in `spec/feeds.md`.

PostgreSQL tells three things apart: the cluster (its system identifier), the timeline, which a standby that is promoted
and a recovery from an archive each begin anew, and the database within it, which a dump that is read back makes anew.
None of them changes under a connection that writes, so what was read once holds as long as the connection does.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEY = "concord.incarnation"
# The name of the segment that is written now begins with the timeline: eight hexadecimal digits.
_QUERY = text(
    "SELECT (SELECT system_identifier FROM pg_control_system())"
    " || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
    " || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def of(session: Session) -> str | None:
    """The incarnation of the database that this session's transaction writes to; None on SQLite, which has none.

    Raises sqlalchemy's DBAPIError on a standby, which cannot write and says so.
    """
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return None
    if _KEY not in connection.info:
        connection.info[_KEY] = connection.scalar(_QUERY)
    return str(connection.info[_KEY])
