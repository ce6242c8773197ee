"""Finding people and organizations.

Owns the queries and their order. Refuses to guess: an NPI is matched whole, a name as a part of the name without its
case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar
from uuid import UUID

from sqlalchemy import Select, or_, select, tuple_

from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import invalid_field, not_found

from .deps import Deps
from .models import Department, Listing, Organization, Practitioner, Team
from .rules.people import folded

Row = TypeVar("Row", Practitioner, Organization, Department, Team)
PartyKind = Literal["practitioner", "organization"]


@dataclass(frozen=True)
class Wanted:
    """What to look for; every member given must match."""

    npi: str | None = None
    name: str | None = None
    organization: UUID | None = None


def find_practitioners(
    deps: Deps, wanted: Wanted, cursor: str | None, limit: int, own: UUID | None = None
) -> tuple[Sequence[Practitioner], str | None]:
    """One page by name, and the cursor of the next. Raises problem 422 for a cursor that is none.

    Who hides is found by those of the organization `own` alone; who works at an organization is told all the same,
    since its letters go to them.
    """
    query = select(Practitioner)
    if wanted.npi is not None or wanted.name is not None or wanted.organization is None:
        hidden = select(Listing.id).where(Listing.practitioner_id == Practitioner.id, Listing.hidden.is_(True))
        query = query.where(or_(~hidden.exists(), Practitioner.organization_id == own))
    if wanted.npi is not None:
        query = query.where(Practitioner.npi == wanted.npi)
    if wanted.name is not None:
        query = query.where(Practitioner.folded.contains(folded(wanted.name), autoescape=True))
    if wanted.organization is not None:
        query = query.where(Practitioner.organization_id == wanted.organization)
    return page_by_name(deps, query, Practitioner, cursor, limit)


def find_organizations(
    deps: Deps, name: str | None, cursor: str | None, limit: int
) -> tuple[Sequence[Organization], str | None]:
    """One page by name, and the cursor of the next. Raises problem 422 for a cursor that is none."""
    query = select(Organization)
    if name is not None:
        query = query.where(Organization.folded.contains(folded(name), autoescape=True))
    return page_by_name(deps, query, Organization, cursor, limit)


def practitioner(deps: Deps, practitioner_id: UUID) -> Practitioner:
    """One account. Raises problem 404."""
    with deps.database.transaction() as session:
        row = session.get(Practitioner, practitioner_id)
    if row is None:
        raise not_found("practitioner")
    return row


def organization(deps: Deps, organization_id: UUID) -> Organization:
    """One organization. Raises problem 404."""
    with deps.database.transaction() as session:
        row = session.get(Organization, organization_id)
    if row is None:
        raise not_found("organization")
    return row


def party(deps: Deps, kind: PartyKind, party_id: UUID) -> Organization | Practitioner:
    """A party of a consent. Raises problem 404."""
    return organization(deps, party_id) if kind == "organization" else practitioner(deps, party_id)


def page_by_name(
    deps: Deps, query: Select[Row], model: type[Row], cursor: str | None, limit: int
) -> tuple[Sequence[Row], str | None]:
    """One page of a query by name, and the cursor of the next. Raises problem 422 for a cursor that is none."""
    if cursor is not None:
        query = query.where(tuple_(model.folded, model.id) > _position(cursor))
    with deps.database.transaction() as session:
        rows = session.scalars(query.order_by(model.folded, model.id).limit(limit + 1)).all()
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return rows[:limit], encode_cursor([last.folded, str(last.id)]) if last else None


def _position(cursor: str) -> tuple[str, UUID]:
    name, id_ = decode_cursor(cursor, (str, str))
    try:
        return str(name), UUID(str(id_))
    except ValueError:
        raise invalid_field("cursor", "use the `next` of the page before, unchanged") from None
