"""Turns: a change of what gates share is not overtaken for ever by further gates.

Owns a queue in front of the row locks, on PostgreSQL. Refuses to be what safety rests on: the order of a release and a
change is made by the rows' own locks (`facts.py`), and holds without this.

Whoever reads a row FOR SHARE joins those who share it already, past anybody who waits to change it. Under one busy
consent there is always somebody, so its revocation would wait until the leases lapse. Advisory locks are queued: once a
change has asked for its turn, gates that come later wait behind it. Whoever takes several takes them in one order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, bindparam, cast, func, select, text
from sqlalchemy.orm import Session

# What a snapshot changes: everything. Every gate shares it.
EVERYTHING = UUID(bytes=hashlib.sha256(b"concord: everything that gates share").digest()[:16])


def shared(ids: Iterable[UUID]) -> list[int]:
    """The keys that a gate shares, for the parameter `turns`, in the order in which everybody takes them."""
    return [_key(EVERYTHING), *sorted(map(_key, ids))]


def waited_for() -> ColumnElement[int]:
    """A number of PostgreSQL's that is known once every key in the parameter `turns` is shared by this transaction."""
    keys = func.unnest(bindparam("turns", type_=ARRAY(BigInteger()))).column_valued("turn")
    taken = cast(func.pg_advisory_xact_lock_shared(keys), Text())
    return select(func.count(taken)).scalar_subquery()


def share(session: Session, ids: Iterable[UUID]) -> None:
    """Wait behind every change of these that has asked for its turn, and keep further ones waiting until this
    transaction ends.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_SHARE, {"turns": shared(ids)})


def take(session: Session, each: UUID) -> None:
    """Wait until no gate shares `each` any more, and keep further ones waiting until this transaction ends."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE, {"turn": _key(each)})


def take_all(session: Session, ids: Iterable[UUID]) -> None:
    """Take the turns of several changes in the order in which gates share them, so that nobody waits in a circle."""
    for each in sorted(set(ids), key=_key):
        take(session, each)


def _key(each: UUID) -> int:
    return int.from_bytes(each.bytes[:8], "big", signed=True)


_SHARE = select(waited_for())
_TAKE = text("SELECT pg_advisory_xact_lock(:turn)")
