"""Entries that may answer a question, from the database's indexes.

Owns how often the database is asked, and how widely. Refuses to order what it finds: `rules.search` does, the same for
both databases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from ..models import Listing
from ..rules.freshness import is_stale
from ..rules.search import Asked, Candidate, Matched, match
from ..rules.towns import distance_km
from .listing_criteria import Criteria, How, WordIndex
from .listing_statement import Statement, enrolled_of

# With so many that have the very words, nobody needs those that only resemble them.
ENOUGH = 5
# Where nobody said how far: a drive, and where nobody is found, a long one.
NEAR_KM, FAR_KM = 40.0, 160.0
# A place where more are found than are read is looked at more closely, down to this.
_CLOSEST_KM = 2.0


def gather(
    session: Session, index: WordIndex, criteria: Criteria, now: datetime, *, exactly: bool = False
) -> list[Matched]:
    """At most some hundreds of entries that may answer, the best among them; with the very words alone if `exactly`."""
    search = _Search(session, criteria, now)
    attempts = _ATTEMPTS if criteria.asked and not exactly else _ATTEMPTS[:1]
    for km in _distances(criteria):
        found: dict[UUID, Matched] = {}
        for how, enough in attempts:
            if len(found) < enough:
                index.prepare(session, how)
                found |= search.within(index, how, km)
        if found:
            return list(found.values())
    return []


# How words are looked for, unless so many were found before.
_ATTEMPTS = ((How.EXACTLY, ENOUGH), (How.ALIKE, ENOUGH), (How.LOOSELY, 1))


def _distances(criteria: Criteria) -> tuple[float | None, ...]:
    """Within how many kilometres to look, one after the other until somebody is found."""
    if criteria.near is None:
        return (None,)
    if criteria.km:
        return (criteria.km,)
    # Of one name there are not many, however far.
    return (FAR_KM,) if criteria.asked else (NEAR_KM, FAR_KM)


@dataclass(frozen=True)
class _Search:
    session: Session
    criteria: Criteria
    now: datetime

    def within(self, index: WordIndex, how: How, km: float | None) -> dict[UUID, Matched]:
        """Those so near to the place that was asked for, or anywhere where none was."""
        if how is How.EXACTLY:
            statement = Statement(self.criteria, self.now, list(_exactly(index, self.criteria.asked)), km)
        else:
            texts = _texts(index.resembling, self.criteria.asked)
            statement = Statement(self.criteria, self.now, [texts], km, apart=False)
        found, full = self._take(statement)
        if full and not statement.apart and (enrolled := enrolled_of(self.criteria)):
            found |= self._take(replace(statement, criteria=enrolled))[0]
        while full and km and km > _CLOSEST_KM:
            km /= 3
            nearer, full = self._take(replace(statement, km=km, closely=True))
            found |= nearer
        return found

    def _take(self, statement: Statement) -> tuple[dict[UUID, Matched], bool]:
        """Some that match, and whether there are more than are read."""
        rows = self.session.execute(statement.select()).all()
        far = math.inf if statement.km is None else statement.km
        found: dict[UUID, Matched] = {}
        for row in rows:
            each = self._candidate(row)
            near = each.distance_km is None or each.distance_km <= far
            if near and (answers := match(each, self.criteria.asked)):
                found[each.id] = (answers, each)
        return found, bool(rows) and bool(rows[0].full)

    def _candidate(self, row: Any) -> Candidate:
        near = self.criteria.near
        known = near is not None and row.lat is not None
        return Candidate(
            id=row.id,
            words=row.words,
            others=row.others,
            enrolled=row.practitioner_id is not None,
            stale=is_stale(row.confirmed_at, self.now),
            accepting=row.accepting,
            distance_km=distance_km((near.lat, near.lon), (row.lat, row.lon)) if near and known else None,
        )


_NAME, _ORGANIZATION = "words", "organization_words"
Find = Callable[[Sequence[str], Sequence[str]], ColumnElement[bool]]


def _exactly(index: WordIndex, asked: Asked) -> Iterator[list[ColumnElement[bool]]]:
    """What must hold of an entry: in names before those of organizations too."""
    if asked.either:
        yield _texts(index.having, replace(asked, name=asked.name + asked.either, either=()))
    if asked:
        yield _texts(index.having, asked)


def _texts(find: Find, asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.name:
        found.append(find([_NAME], asked.name))
    if asked.organization:
        groups = and_(Listing.kind == "organization", find([_NAME], asked.organization))
        found.append(or_(find([_ORGANIZATION], asked.organization), groups))
    if asked.either:
        found.append(find([_NAME, _ORGANIZATION], asked.either))
    return found


__all__ = ["gather"]
