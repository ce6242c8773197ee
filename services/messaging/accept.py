"""Accepting a letter: kept and released in the transaction that decided on it.

Owns the two ways to write the same rows: statement by statement, which every database can, and all of a small letter
in one statement, which PostgreSQL can. Refuses to let them differ: the same tests run on both, and what either does
is told in `release.py`.

Nearly every letter is small. Written in one statement it costs one round trip instead of five, while the mailbox's
row is locked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis import failpoints, tracing
from services.chassis.db import Database

from . import account, release
from .release import Incoming

Accept = Callable[[Session, Incoming, datetime], None]


def accept_for(database: Database) -> Accept:
    """The way that fits a database. It raises IntegrityError when the letter's id is taken, and `UploadSweptError`."""
    return accept_at_once if database.is_postgresql else accept_by_steps


def accept_by_steps(session: Session, incoming: Incoming, at: datetime) -> None:
    """Keep a letter and release it to every recipient."""
    release.keep(session, incoming, at)
    failpoints.reach("accept.after_keep")
    release.release(session, incoming.address, at)


def accept_at_once(session: Session, incoming: Incoming, at: datetime) -> None:
    """The same in one statement, if the letter is small and to no team, which has an inbox of its own."""
    address = incoming.address
    if incoming.body is None or address.team is not None:
        accept_by_steps(session, incoming, at)
        return
    values = {
        "letter": address.letter,
        "sender": address.sender,
        "address": incoming.line,
        "digest": incoming.digest,
        "size": incoming.size,
        "upload": incoming.upload,
        "thread": address.thread,
        "at": at,
        "on_behalf_of": address.on_behalf_of,
        "body": incoming.body,
        "patient": address.patient,
        "events": [account.head(event) for event in release.released(address, at)],
        "recipients": list(address.recipients),
        "trace": tracing.current(),
    }
    session.connection().exec_driver_sql(_AT_ONCE, values)


# In the driver's own form, which spares every letter the way through the compiler. The places are taken in the order of
# ids, as in `release.take_places`, and the patient's numbers after them: they are counted by the places. Foreign keys
# are checked at the statement's end.
_AT_ONCE = f"""
    WITH kept AS (
        INSERT INTO letter (id, sender, address, digest, size, upload, thread, accepted_at, on_behalf_of)
        VALUES (
            %(letter)s, %(sender)s, %(address)s, %(digest)s, %(size)s, %(upload)s, %(thread)s, %(at)s, %(on_behalf_of)s
        )
    ), sealed AS (
        INSERT INTO letter_chunk (upload, place, body) VALUES (%(upload)s, 0, %(body)s)
    ), taken AS (
        INSERT INTO mailbox AS own (recipient, last)
        SELECT recipient, 1 FROM unnest(%(recipients)s::uuid[]) recipient ORDER BY recipient
        ON CONFLICT (recipient) DO UPDATE SET last = own.last + 1
        RETURNING recipient, last
    ), {account.lines_at_once("SELECT count(*) FROM taken")}, told AS (
        INSERT INTO outbox (body, traceparent) SELECT body, %(trace)s::text FROM kept_line ORDER BY n
    )
    INSERT INTO delivery (letter, recipient, state, place, released_at)
    SELECT %(letter)s, recipient, 'released', last, %(at)s FROM taken
"""  # noqa: S608 - a constant of ours
