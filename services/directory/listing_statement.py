"""The one statement by which entries are found, the same for both databases.

Owns how much of the database it reads at most, and which index it goes by. Refuses names: what finds those differs
between databases, and comes as conditions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    SQLColumnExpression,
    and_,
    case,
    func,
    intersect,
    literal,
    or_,
    select,
)

from .listing_criteria import Criteria
from .models import Listing, ListingTag, Practitioner
from .rules.freshness import GOOD_FOR
from .rules.people import Status
from .rules.towns import KM_A_DEGREE, Place, cells_within

# Rows that one statement reads of the table: of a question that more answer, the nearest or any, and all the enrolled.
MOST_READ = 600
# Entries of which it looks at the place, where it goes by what they say of themselves.
_MOST_TAGGED = 2 * MOST_READ
# Of the rows, as many are ranked.
MOST_RANKED = 250


def visible(own: UUID | None) -> ColumnElement[bool]:
    """Entries that somebody of the organization `own` may find: also its own people's that are hidden."""
    theirs = select(Practitioner.id).where(
        Practitioner.id == Listing.practitioner_id,
        Practitioner.organization_id == own,
        Practitioner.status == Status.ACTIVE,
    )
    return or_(Listing.shown.is_(True), and_(Listing.hidden.is_(True), theirs.exists()))


@dataclass(frozen=True)
class Statement:
    """What is asked for, within so many kilometres of the place where there is one. `texts` must hold of the names."""

    criteria: Criteria
    now: datetime
    texts: Sequence[ColumnElement[bool]]
    km: float | None

    def select(self) -> Select[Any]:
        """The rows that are read, roughly in order, so that the best of them are ranked."""
        tags = self.criteria.tags
        count: ColumnElement[int] = literal(0)
        some = select(*_COLUMNS).where(visible(self.criteria.own), *self.texts)
        if tags and not self.texts:
            tagged = self._tagged().cte("tagged").prefix_with("MATERIALIZED", dialect="postgresql")
            some = some.join_from(tagged, Listing, tagged.c.listing_id == Listing.id)
            count = select(func.count()).select_from(tagged).scalar_subquery()
        elif tags:
            some = some.where(*map(_has_one, tags))
        some = some.where(*self._conditions(by_place=bool(self.texts) or not tags))
        rows = some.limit(MOST_READ).subquery()
        fresh = case((rows.c.confirmed_at >= self.now - GOOD_FOR, 0), else_=1)
        order = [rows.c.practitioner_id.is_(None), fresh]
        if near := self.criteria.near:
            narrow = math.cos(math.radians(near.lat)) ** 2
            order.append(_squared(rows.c.lat - near.lat) + narrow * _squared(rows.c.lon - near.lon))
        found = select(rows, func.count().over().label("read"), count.label("tagged"))
        return found.order_by(*order, rows.c.id).limit(MOST_RANKED)

    def _tagged(self) -> Select[UUID] | CompoundSelect[UUID]:
        """Entries with one tag of each group, in the squares near the place."""
        found = select(ListingTag.listing_id)
        if cells := self._cells():
            found = found.where(ListingTag.cell.in_(cells))
        groups = [found.where(ListingTag.tag.in_(sorted(group))) for group in self.criteria.tags]
        return (intersect(*groups) if len(groups) > 1 else groups[0]).limit(_MOST_TAGGED)

    def _cells(self) -> tuple[int, ...]:
        near = self.criteria.near
        return cells_within(near.lat, near.lon, self.km) if near and self.km else ()

    def _conditions(self, *, by_place: bool) -> Iterator[ColumnElement[bool]]:
        """What else must hold. `by_place`: the index of places is of use."""
        wanted, km = self.criteria, self.km
        if wanted.near and km and by_place:
            yield Listing.cell.in_(self._cells())
            yield from _box(wanted.near, km, Listing.lat, Listing.lon)
        elif wanted.near and km:
            # A sum is in no index: by their tags there are fewer.
            yield from _box(wanted.near, km, Listing.lat + 0.0, Listing.lon + 0.0)
        if wanted.organization is not None:
            theirs = select(Practitioner.id).where(Practitioner.organization_id == wanted.organization)
            yield Listing.practitioner_id.in_(theirs)
        for column in ("npi", "kind", "telehealth", "accepting"):
            if (value := getattr(wanted, column)) is not None:
                yield getattr(Listing, column) == value
        if wanted.enrolled is not None:
            yield (Listing.practitioner_id.is_not(None) if wanted.enrolled else Listing.practitioner_id.is_(None))


def is_full(rows: Sequence[Any]) -> bool:
    """Whether more may match than were read."""
    return bool(rows) and (rows[0].read >= MOST_READ or rows[0].tagged >= _MOST_TAGGED)


_COLUMNS = (
    Listing.id,
    Listing.practitioner_id,
    Listing.words,
    # An organization's own name answers also where a practice is asked for.
    case((Listing.kind == "organization", Listing.words), else_=Listing.organization_words).label("others"),
    Listing.confirmed_at,
    Listing.accepting,
    Listing.lat,
    Listing.lon,
)


def _has_one(tags: frozenset[str]) -> ColumnElement[bool]:
    """Whether an entry that is found by its name has one of these; asked of each, there are few."""
    found = select(ListingTag.tag).where(ListingTag.listing_id == Listing.id, ListingTag.tag.in_(sorted(tags)))
    return found.correlate(Listing).offset(0).exists()  # the offset keeps PostgreSQL from reading all of these tags


def _box(
    near: Place, km: float, lat: SQLColumnExpression[Any], lon: SQLColumnExpression[Any]
) -> Iterator[ColumnElement[bool]]:
    """The rectangle around a circle; across the antimeridian any longitude will do."""
    high = km / KM_A_DEGREE
    wide = high / math.cos(math.radians(min(abs(near.lat) + high, 89)))
    yield lat.between(near.lat - high, near.lat + high)
    if abs(near.lon) + wide < 180:
        yield lon.between(near.lon - wide, near.lon + wide)


def _squared(value: ColumnElement[float]) -> ColumnElement[float]:
    return value * value


__all__ = ["MOST_READ", "Statement", "is_full", "visible"]
