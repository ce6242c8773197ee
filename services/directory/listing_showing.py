"""Listings with all that is shown of them.

Owns what stands beside an entry: its owner's account, its specialties in words, who covers. Refuses to decide who may
see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from . import specialty_names
from .deps import Deps
from .models import Coverage, Listing, ListingTag, Practitioner
from .rules.freshness import is_stale
from .rules.people import Status
from .rules.specialties import CodeList, SpecialtyName
from .rules.tags import AGE, LANGUAGE, SPECIALTY, Sorted


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
    owners = [row.practitioner_id for row in rows if row.practitioner_id]
    accounts: dict[UUID | None, Practitioner] = {}
    if owners:
        found = session.scalars(select(Practitioner).where(Practitioner.id.in_(owners)))
        accounts = {account.id: account for account in found}
    return present_both(session, codes, [(row, accounts.get(row.practitioner_id)) for row in rows], now)


def present_both(
    session: Session, codes: CodeList, rows: Sequence[tuple[Listing, Practitioner | None]], now: datetime
) -> list[FoundListing]:
    """These entries with the accounts of their owners, in their order."""
    tags = _tags(session, [row.id for row, _ in rows])
    covers = _covers(session, [account.id for _, account in rows if account], now)
    return [
        FoundListing(
            row=row,
            account=account,
            specialties=tuple(codes.name(code) for code in tags[row.id].of_kind(SPECIALTY)),
            languages=tags[row.id].of_kind(LANGUAGE),
            ages=tags[row.id].of_kind(AGE),
            plans=tuple(row.plans or ()),
            stale=is_stale(row.confirmed_at, now),
            coverage=covers.get(account.id) if account else None,
        )
        for row, account in rows
    ]


def _tags(session: Session, ids: Sequence[UUID]) -> dict[UUID, Sorted]:
    of = select(ListingTag.listing_id, ListingTag.tag).where(ListingTag.listing_id.in_(ids))
    found: dict[UUID, list[str]] = defaultdict(list)
    for listing, tag in session.execute(of):
        found[listing].append(tag)
    return defaultdict(Sorted, {listing: Sorted.of(tags) for listing, tags in found.items()})


def _covers(session: Session, owners: Sequence[UUID], now: datetime) -> dict[UUID, Cover]:
    """Who is away now, or will be; nobody is sent to a colleague who was suspended since."""
    if not owners:
        return {}
    of = select(Coverage).where(Coverage.practitioner_id.in_(owners), Coverage.ends_at > now)
    return {
        each.practitioner_id: Cover(each.covering, each.starts_at, each.ends_at)
        for each in session.scalars(of)
        if each.covering.status == Status.ACTIVE
    }


__all__ = ["Cover", "FoundListing", "present", "present_all", "present_both"]
