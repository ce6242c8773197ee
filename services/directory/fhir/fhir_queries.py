"""Finding people for the FHIR face, and pages of whatever was found.

Owns the queries over listings, who may see whom, and how deep a search goes. Refuses to rank: a search of FHIR has an
order that pages can follow, and no more than five hundred matches are ever shown of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from concord_formats.names import searchable
from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from services.chassis.problems import not_found

from ..deps import Deps
from ..finding import listing_showing, specialty_names
from ..finding.listing_showing import FoundListing
from ..models import Listing, ListingTag, Practitioner
from ..rules.people import Status
from ..rules.tags import SPECIALTY, tag
from ..rules.towns import KM_A_DEGREE, cells_within
from .fhir_search import EndpointSearch, PractitionerSearch, RoleSearch, Search
from .fhir_values import Near

# What one search shows at most, on however many pages: a directory is asked, not copied.
MOST_DEEP = 500
_PERSON = "individual"
Row = TypeVar("Row")
Numbered = tuple[Row, int]
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows by id, and the last one's id if there are more. `cut`: more match than are ever shown."""

    rows: Sequence[Row]
    after: UUID | None
    cut: bool


def read(deps: Deps, caller_organization: UUID, id_: UUID) -> FoundListing:
    """Somebody by the id of their account, or that of the listing where nobody is enrolled. Raises problem 404.

    Who hides, or is suspended, is shown to their own organization alone.
    """
    with deps.database.transaction() as session:
        query = select(Listing).outerjoin(Practitioner).where(_known_as([id_]), Listing.kind == _PERSON)
        own = and_(Practitioner.organization_id == caller_organization, Practitioner.status != Status.INVITED)
        row = session.scalars(query.where(or_(Listing.shown, own))).one_or_none()
        if row is None:
            raise not_found("practitioner")
        return listing_showing.present(session, deps, row)


def practitioners(deps: Deps, query: PractitionerSearch, after: UUID | None) -> Page[FoundListing]:
    """One page of people, by who they are."""
    return _people(deps, query, _who(query), after)


def roles(deps: Deps, query: RoleSearch, after: UUID | None) -> Page[FoundListing]:
    """One page of people, by what they do and where."""
    return _people(deps, query, [*_what(query), *_where(query)], after)


def reachable(deps: Deps, query: EndpointSearch, after: UUID | None) -> Page[FoundListing]:
    """One page of people who have an account and can be written to."""
    return _people(deps, query, _reached(query), after)


def beginning_so(names: Iterable[str]) -> Condition:
    """That some word of a listing's name begins with each word of one of these."""
    every = [[Listing.words.like(f"% {word}%") for word in searchable(name).split()] for name in names]
    return or_(*(and_(*each) for each in every))


def bounded(
    session: Session, model: type[Row], conditions: Iterable[Condition], query: Search, after: UUID | None
) -> list[Numbered[Row]]:
    """The first rows after an id, one more than a page has, each with its place among all that match.

    Where few can match, they are found first and put in order then: a planner that expects more of them walks through
    the ids of a million rows. Where many may, to walk is the shorter way, and the planner knows how common a word is.
    """
    key = model.id  # type: ignore[attr-defined]
    matched = select(key.label("id")).where(*conditions).cte("matched")
    if query.finds_few():
        matched = matched.prefix_with("MATERIALIZED")
    place = func.row_number().over(order_by=matched.c.id).label("place")
    placed = select(matched.c.id, place).order_by(matched.c.id).limit(MOST_DEEP + 1).subquery()
    rows = select(model, placed.c.place).join(placed, placed.c.id == key)
    if after is not None:
        rows = rows.where(placed.c.id > after)
    return [(row, int(n)) for row, n in session.execute(rows.order_by(key).limit(query.count + 1))]


def page_of(found: Sequence[Numbered[Row]], count: int) -> Page[Row]:
    """The page that rows in order make."""
    kept = [row for row, place in found if place <= MOST_DEEP]
    page = kept[:count]
    more = len(kept) > count
    return Page(page, page[-1].id if more else None, len(kept) < len(found))  # type: ignore[attr-defined]


def _people(deps: Deps, query: Search, conditions: Iterable[Condition], after: UUID | None) -> Page[FoundListing]:
    """Whom everybody may find: no one who hides or is suspended."""
    known = [] if query.ids is None else [_known_as(query.ids)]
    with deps.database.transaction() as session:
        every = [Listing.shown.is_(True), Listing.kind == _PERSON, *known, *conditions]
        page = page_of(bounded(session, Listing, every, query, after), query.count)
        codes = specialty_names.known(session, deps.database)
        shown = listing_showing.present_all(session, codes, page.rows, deps.clock.now())
    return Page(shown, page.after, page.cut)


def _who(query: PractitionerSearch) -> Iterator[Condition]:
    if query.identifier is not None:
        yield Listing.npi.in_(query.identifier)
    if query.name is not None:
        yield beginning_so(query.name)
    # The words stand with a space before and after each: the first has nothing before its own, the last nothing after.
    if query.family is not None:
        yield or_(*(Listing.words.like(f"_% {searchable(name)}%") for name in query.family))
    if query.given is not None:
        yield or_(*(Listing.words.like(f"% {searchable(name)}% _%") for name in query.given))
    yield from _at_work(query.active)


def _what(query: RoleSearch) -> Iterator[Condition]:
    if query.practitioner is not None:
        yield _known_as(query.practitioner)
    if query.organization is not None:
        yield _employed_by(query.organization)
    if query.specialty is not None:
        yield Listing.id.in_(_tagged(query.specialty, query.near))
    yield from _at_work(query.active)


def _where(query: RoleSearch) -> Iterator[Condition]:
    for column, beginning in ((Listing.city, query.city), (Listing.postal_code, query.postal_code)):
        if beginning is not None:
            yield func.lower(column).startswith(beginning.lower(), autoescape=True)
    if query.state is not None:
        yield func.lower(Listing.state) == query.state.lower()
    if query.near is not None:
        yield _within(query.near)


def _tagged(codes: Sequence[str], near: Near | None) -> Select[UUID]:
    """Who has one of these specialties; of those who are far, some may be left out."""
    tagged = select(ListingTag.listing_id).where(ListingTag.tag.in_([tag(SPECIALTY, code) for code in codes]))
    return tagged.where(ListingTag.cell.in_(cells_within(near.lat, near.lon, near.km))) if near else tagged


def _within(near: Near) -> Condition:
    """On a flat map: what is known is the middle of a postal code, which is further off than the earth is round."""
    up, across = Listing.lat - near.lat, (Listing.lon - near.lon) * math.cos(math.radians(near.lat))
    return up * up + across * across <= (near.km / KM_A_DEGREE) ** 2


def _reached(query: EndpointSearch) -> Iterator[Condition]:
    yield Listing.practitioner_id.is_not(None)
    if query.organization is not None:
        yield _employed_by(query.organization)
    if query.status not in (None, "active"):
        yield false()


def _at_work(active: str | None) -> Iterator[Condition]:
    """Who is not at work is not found at all."""
    if active == "false":
        yield false()


def _known_as(ids: Sequence[UUID]) -> Condition:
    """An account is known by its own id, whatever that of its listing is."""
    alone = and_(Listing.practitioner_id.is_(None), Listing.id.in_(ids))
    return or_(Listing.practitioner_id.in_(ids), alone)


def _employed_by(organizations: Sequence[UUID]) -> Condition:
    people = select(Practitioner.id).where(Practitioner.organization_id.in_(organizations))
    return Listing.practitioner_id.in_(people)
