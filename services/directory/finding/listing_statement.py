"""The one statement by which entries are found, the same for both databases.

Owns how much of the database it reads at most, and which index it goes by. Refuses names: what finds those differs
between databases, and comes as conditions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    SQLColumnExpression,
    and_,
    case,
    false,
    func,
    intersect,
    literal_column,
    or_,
    select,
    union_all,
)

from ..models import Listing, ListingTag, Practitioner
from ..rules.freshness import GOOD_FOR
from ..rules.people import Status
from ..rules.tags import ENROLLED, own_tag
from ..rules.towns import KM_A_DEGREE, Place, cells_within
from .listing_criteria import Criteria

# Rows that one statement reads of the table: of a question that more answer, all the enrolled and the nearest or any.
MOST_READ = 600
# Of the rows, as many are ranked.
MOST_RANKED = 250
Texts = Sequence[ColumnElement[bool]]


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
    """What is asked for, within so many kilometres of the place where there is one.

    Of `texts` one must hold of the names, any if there are none; those of whom an earlier one holds come first.
    `apart`: so do the enrolled, who are read by indexes of their own. `closely`: whoever is near is looked for by an
    index too, which is of use where the circle is small and very many are in the squares that it touches.
    """

    criteria: Criteria
    now: datetime
    texts: Sequence[Texts]
    km: float | None
    apart: bool = True
    closely: bool = False

    def select(self) -> Select[Any]:
        """The rows that are read, roughly in order, so that the best of them are ranked."""
        parts = list(self._parts())
        # PostgreSQL reads one part after the other, and none further than to the limit.
        some = union_all(*(part.select() for part in parts)) if len(parts) > 1 else parts[0].select()
        rows = some.limit(MOST_READ).subquery()
        fresh = case((rows.c.confirmed_at >= self.now - GOOD_FOR, 0), else_=1)
        order: list[ColumnElement[Any]] = [rows.c.text, rows.c.practitioner_id.is_(None), fresh]
        if near := self.criteria.near:
            narrow = math.cos(math.radians(near.lat)) ** 2
            order.append(_squared(rows.c.lat - near.lat) + narrow * _squared(rows.c.lon - near.lon))
        full = or_(func.count().over() >= MOST_READ, *(part.is_full() for part in parts))
        return select(rows, full.label("full")).order_by(*order, rows.c.id).limit(MOST_RANKED)

    def _parts(self) -> Iterator[_Part]:
        enrolled = enrolled_of(self.criteria) if self.apart else None
        who = [self.criteria] if enrolled is None else [enrolled, replace(self.criteria, enrolled=False)]
        for text, texts in enumerate(self.texts or ((),)):
            for each, criteria in enumerate(who):
                yield _Part(f"tagged_{text}_{each}", text, replace(self, criteria=criteria, texts=(texts,)))


def enrolled_of(criteria: Criteria) -> Criteria | None:
    """The same of those who are enrolled: by the tags that they alone have, and by their names in an index of these.

    None where nobody else is asked for, or nobody of them, or one by number.
    """
    tags = tuple(frozenset(map(own_tag, group)) for group in criteria.tags)
    alone = bool(tags) and tags == criteria.tags
    if alone or criteria.enrolled is not None or criteria.npi or criteria.organization:
        return None
    return replace(criteria, tags=tags if tags or criteria.asked else (frozenset((ENROLLED,)),), enrolled=True)


class _Part:
    """Some of what a statement reads, by one index. `text` is the number of the texts that must hold."""

    def __init__(self, name: str, text: int, of: Statement) -> None:
        self._criteria, self._texts, self._km, self._closely = of.criteria, of.texts[0], of.km, of.closely
        self._text = text
        self._tagged: CTE | None = None
        if self._criteria.tags and not self._texts:
            self._tagged = self._having_tags().cte(name).prefix_with("MATERIALIZED", dialect="postgresql")

    def select(self) -> Select[Any]:
        """The rows, in no order."""
        some = select(*_COLUMNS, literal_column(str(self._text)).label("text"))
        # Of those who are not enrolled nobody hides from others than their own.
        seen = Listing.shown.is_(True) if self._criteria.enrolled is False else visible(self._criteria.own)
        some = some.where(seen, *self._texts)
        if self._tagged is not None:
            some = some.join_from(self._tagged, Listing, self._tagged.c.listing_id == Listing.id)
        else:
            some = some.where(*map(_has_one, self._criteria.tags))
        return some.where(*self._conditions())

    def is_full(self) -> ColumnElement[bool]:
        """Whether there are more tags than are read."""
        if self._tagged is None:
            return false()
        return select(func.count()).select_from(self._tagged).scalar_subquery() >= MOST_READ

    def _having_tags(self) -> Select[UUID] | CompoundSelect[UUID]:
        """Entries with one tag of each group, in the squares near the place."""
        found = select(ListingTag.listing_id)
        if cells := self._cells():
            found = found.where(ListingTag.cell.in_(cells))
        groups = [found.where(ListingTag.tag.in_(sorted(group))) for group in self._criteria.tags]
        if self._closely:
            groups.append(select(Listing.id).where(*self._in_squares(), *self._in_box(Listing.lat, Listing.lon)))
        return (intersect(*groups) if len(groups) > 1 else groups[0]).limit(MOST_READ)

    def _cells(self) -> tuple[int, ...]:
        near = self._criteria.near
        return cells_within(near.lat, near.lon, self._km) if near and self._km else ()

    def _in_squares(self) -> Iterator[ColumnElement[bool]]:
        if cells := self._cells():
            yield Listing.cell.in_(cells)

    def _in_box(self, lat: SQLColumnExpression[Any], lon: SQLColumnExpression[Any]) -> Iterator[ColumnElement[bool]]:
        if self._criteria.near and self._km:
            yield from _box(self._criteria.near, self._km, lat, lon)

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        """What else must hold."""
        wanted = self._criteria
        if self._tagged is None:
            yield from self._in_squares()
        if self._tagged is None and not self._texts:
            yield from self._in_box(Listing.lat, Listing.lon)
        else:
            # A sum is in no index: by names or tags there are fewer, which PostgreSQL, to whom squares and degrees have
            # nothing to do with one another, cannot know.
            yield from self._in_box(Listing.lat + 0.0, Listing.lon + 0.0)
        if wanted.organization is not None:
            theirs = select(Practitioner.id).where(Practitioner.organization_id == wanted.organization)
            yield Listing.practitioner_id.in_(theirs)
        for column in ("npi", "telehealth", "accepting"):
            if (value := getattr(wanted, column)) is not None:
                yield getattr(Listing, column) == value
        if wanted.enrolled is not None:
            yield (Listing.practitioner_id.is_not(None) if wanted.enrolled else Listing.practitioner_id.is_(None))


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


__all__ = ["MOST_READ", "Statement", "enrolled_of", "visible"]
