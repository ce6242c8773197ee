"""The specialties that are known here: the built-in codes, and the list that the operator imported.

Owns the copy of the list in this process. Refuses to ask the database for nine hundred names with every question.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.chassis.db import Database

from ..models import Specialty
from ..rules.specialties import CodeList

# An import is rare, and one that changes the number of codes is seen at once.
GOOD_FOR_SECONDS = 60.0


@dataclass(frozen=True)
class _Copy:
    codes: CodeList
    size: int
    until: float


_copies: WeakKeyDictionary[Database, _Copy] = WeakKeyDictionary()
_lock = threading.Lock()


def known(session: Session, database: Database, also: Sequence[ColumnElement[str]] = ()) -> CodeList:
    """The list, at most a minute old. `also` is asked of the database with the same words over the wire."""
    size, *_ = session.execute(select(func.count(), *also).select_from(Specialty)).one()
    with _lock:
        copy = _copies.get(database)
        if copy is None or copy.size != size or copy.until < time.monotonic():
            rows = session.execute(select(Specialty.code, Specialty.display, Specialty.words))
            copy = _Copy(
                CodeList.of((code, name, words) for code, name, words in rows),
                size,
                time.monotonic() + GOOD_FOR_SECONDS,
            )
            _copies[database] = copy
    return copy.codes


__all__ = ["known"]
