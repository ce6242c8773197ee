"""Wrong codes, counted by the address they came from.

Owns the count and its window. Refuses to lock a patient out: what somebody guesses elsewhere never closes the page to
those who have a code.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..models import GuessRow
from ..rules.patient_codes import GUESSES, GUESSING_WINDOW


def too_many(session: Session, address: str, now: datetime) -> bool:
    """Whether an address has used up its guesses for now."""
    query = select(GuessRow.count).where(GuessRow.address_sha256 == _digest(address), GuessRow.since > _start(now))
    return (session.scalars(query).one_or_none() or 0) >= GUESSES


def count(session: Session, address: str, now: datetime) -> None:
    """One more wrong code from an address."""
    insert = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
    session.execute(delete(GuessRow).where(GuessRow.address_sha256 == _digest(address), GuessRow.since <= _start(now)))
    statement = insert(GuessRow).values(address_sha256=_digest(address), since=now, count=1)
    again = {"count": GuessRow.count + 1}
    session.execute(statement.on_conflict_do_update(index_elements=[GuessRow.address_sha256], set_=again))


def sweep(session: Session, now: datetime) -> None:
    """Forget addresses whose window has passed."""
    session.execute(delete(GuessRow).where(GuessRow.since <= _start(now)))


def _start(now: datetime) -> datetime:
    return now - GUESSING_WINDOW


def _digest(address: str) -> str:
    return hashlib.sha256(b"concord guesses\n" + address.encode()).hexdigest()
