"""What is so a moment later, for tests of the whole deployment: they wait for it rather than hope for it.

Owns waits that several of these tests share. Refuses to wait for what must never be: nothing here makes a refusal pass.
"""

from __future__ import annotations

import io
from uuid import UUID

from concord.errors import ServiceError

from tests.deploy.composition import Composition
from tests.deployment import wait_for
from tests.people import EFFECTIVE_SECONDS, People

ARCHIVE_SECONDS = 60.0


def read(people: People, letter: UUID) -> bytes:
    """What the psychologist reads in a letter, once the services can tell whether they may; or their refusal.

    A process that has just started has no lease yet: it says that it cannot tell just now, and when to come again.
    """
    found: list[bytes] = []

    def told() -> bool:
        body = io.BytesIO()
        try:
            people.psychologist.letters.open(letter, body)
        except ServiceError as error:
            if error.status != 503:
                raise
            return False
        found.append(body.getvalue())
        return True

    wait_for(told, EFFECTIVE_SECONDS, "the services to tell whether a letter may be read")
    return found[0]


def until_archived(composition: Composition) -> None:
    """The archive has a commit a moment after it was made: until it has all that are made by now."""
    now = composition.sql("postgres", "SELECT pg_current_wal_flush_lsn()")[0][0]
    reached = f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'archive' AND restart_lsn >= '{now}'"  # noqa: S608
    wait_for(
        lambda: composition.sql("postgres", reached) == [["1"]], ARCHIVE_SECONDS, "the archive to have every commit"
    )
