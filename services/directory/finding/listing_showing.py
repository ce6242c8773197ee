"""Listings with all that is shown of them.

Owns what stands beside an entry: its owner's account, its specialties in words, who covers. Refuses to decide who may
see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session, joinedload, lazyload

from ..deps import Deps
from ..models import Coverage, Listing, ListingTag, Practitioner
from ..rules.freshness import is_stale
from ..rules.people import Status
from ..rules.specialties import CodeList, SpecialtyName
from ..rules.tags import AGE, LANGUAGE, SPECIALTY, Sorted
from . import specialty_names


@dataclass(frozen=True)
class Cover:
    """Who stands in for somebody who is away, from when until when."""

    covering: Practitioner
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class FoundListing:
    """One entry with all that is shown of it. `account` is that of its owner, None where nobody is enrolled.

    `languages` are BCP 47 primary subtags, `plans` as their owner wrote them.
    """

    row: Listing
    account: Practitioner | None
    specialties: tuple[SpecialtyName, ...]
    languages: tuple[str, ...]
    ages: tuple[str, ...]
    plans: tuple[str, ...]
    stale: bool
    distance_km: float | None = None
    coverage: Cover | None = None


def present(session: Session, deps: Deps, row: Listing) -> FoundListing:
    """One entry."""
    return present_all(session, specialty_names.known(session, deps.database), [row], deps.clock.now())[0]


def present_all(session: Session, codes: CodeList, rows: Sequence[Listing], now: datetime) -> list[FoundListing]:
    """These entries, in their order."""
    found = by_id(session, codes, [row.id for row in rows], now)
    return [found[row.id] for row in rows if row.id in found]


def by_id(session: Session, codes: CodeList, ids: Sequence[UUID], now: datetime) -> dict[UUID, FoundListing]:
    """Those entries that are still there, with all that is shown of them: in one statement."""
    every = session.execute(_EVERYTHING, {"ids": list(ids), "now": now})
    shown = (_shown(codes, row, account, away, said, now) for row, account, away, said in every)
    return {each.row.id: each for each in shown}


# No tag has one in it.
_BETWEEN = "\n"
_TAGS = select(func.aggregate_strings(ListingTag.tag, _BETWEEN)).where(ListingTag.listing_id == Listing.id)
# Made once: to put it together takes as long as to ask it.
_EVERYTHING = (
    select(Listing, Practitioner, Coverage, _TAGS.correlate(Listing).scalar_subquery())
    .outerjoin(Practitioner, Practitioner.id == Listing.practitioner_id)
    .outerjoin(Coverage, and_(Coverage.practitioner_id == Listing.practitioner_id, Coverage.ends_at > bindparam("now")))
    # By itself it would be an inner one, and nobody found who is not enrolled. Few are away.
    .options(joinedload(Practitioner.organization, innerjoin=False), lazyload(Coverage.covering))
    .where(Listing.id.in_(bindparam("ids", expanding=True)))
)


def _shown(
    codes: CodeList, row: Listing, account: Practitioner | None, away: Coverage | None, said: str | None, now: datetime
) -> FoundListing:
    tags = Sorted.of(said.split(_BETWEEN) if said else ())
    # Nobody is sent to a colleague who was suspended since.
    covered = away is not None and away.covering.status == Status.ACTIVE
    return FoundListing(
        row=row,
        account=account,
        specialties=tuple(codes.name(code) for code in tags.of_kind(SPECIALTY)),
        languages=tags.of_kind(LANGUAGE),
        ages=tags.of_kind(AGE),
        plans=tuple(row.plans or ()),
        stale=is_stale(row.confirmed_at, now),
        coverage=Cover(away.covering, away.starts_at, away.ends_at) if away and covered else None,
    )


__all__ = ["Cover", "FoundListing", "by_id", "present", "present_all"]
