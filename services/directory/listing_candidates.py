"""Entries that may answer a question, from the database's indexes.

Owns how often the database is asked, and how widely. Refuses to order what it finds: `rules.search` does, the same for
both databases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from .listing_criteria import Criteria, How, WordIndex
from .listing_statement import Statement, is_full
from .models import Listing
from .rules.freshness import is_stale
from .rules.search import Asked, Candidate, match
from .rules.tags import ENROLLED, own_tag
from .rules.towns import distance_km

# With so many that have the very words, nobody needs those that only resemble them.
ENOUGH = 5
# Where nobody said how far: a drive, and where nobody is found, a long one.
NEAR_KM, FAR_KM = 40.0, 160.0
# A place where more are found than are read is looked at more closely, down to this.
_CLOSEST_KM = 2.0


def gather(
    session: Session, index: WordIndex, criteria: Criteria, now: datetime, *, exactly: bool = False
) -> list[Candidate]:
    """At most some hundreds of entries that may answer, the best among them; with the very words alone if `exactly`."""
    search = _Search(session, criteria, now)
    for km in _distances(criteria):
        found: dict[UUID, Candidate] = {}
        for attempt in _attempts(criteria.asked, exactly=exactly):
            if len(found) < attempt.enough:
                found |= search.within(attempt.texts(session, index), km)
        if found:
            return list(found.values())
    return []


@dataclass(frozen=True)
class _Attempt:
    """How words are looked for, unless so many were found before as are `enough`."""

    how: How
    asked: Asked
    enough: int

    def texts(self, session: Session, index: WordIndex) -> list[ColumnElement[bool]]:
        """What must hold of an entry."""
        index.prepare(session, self.how)
        return _texts(index.having if self.how is How.EXACTLY else index.resembling, self.asked)


def _attempts(asked: Asked, *, exactly: bool) -> Iterator[_Attempt]:
    """From the narrow to the wide: the very words before others, in names before those of organizations too."""
    wide = [asked]
    if asked.either:
        wide.insert(0, replace(asked, name=asked.name + asked.either, either=()))
    yield from (_Attempt(How.EXACTLY, each, ENOUGH) for each in wide)
    if asked and not exactly:
        yield from (_Attempt(How.ALIKE, each, ENOUGH) for each in wide)
        yield _Attempt(How.LOOSELY, asked, 1)


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

    def within(self, texts: list[ColumnElement[bool]], km: float | None) -> dict[UUID, Candidate]:
        """Those so near to the place that was asked for, or anywhere where none was."""
        found, full = self._take(texts, km)
        if full and self.criteria.enrolled is None:
            found |= replace(self, criteria=_enrolled(self.criteria))._take(texts, km)[0]
        while full and km and km > _CLOSEST_KM:
            km /= 3
            nearer, full = self._take(texts, km)
            found |= nearer
        return found

    def _take(self, texts: list[ColumnElement[bool]], km: float | None) -> tuple[dict[UUID, Candidate], bool]:
        """Some that match, and whether there are more than are read."""
        rows = self.session.execute(Statement(self.criteria, self.now, texts, km).select()).all()
        candidates = (self._candidate(row) for row in rows)
        far = math.inf if km is None else km
        near = (each for each in candidates if each.distance_km is None or each.distance_km <= far)
        found = {each.id: each for each in near if match(each, self.criteria.asked)}
        return found, is_full(rows)

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


def _enrolled(criteria: Criteria) -> Criteria:
    """The same of those who are enrolled: by the tags that they alone have, and by their names in an index of these."""
    tags = tuple(frozenset(map(own_tag, group)) for group in criteria.tags)
    return replace(criteria, tags=tags if tags or criteria.asked else (frozenset((ENROLLED,)),), enrolled=True)


_NAME, _ORGANIZATION = "words", "organization_words"


def _texts(find: Any, asked: Asked) -> list[ColumnElement[bool]]:
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
