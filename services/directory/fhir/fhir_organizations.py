"""Organizations in FHIR: those that are enrolled, their departments, and those of the national list.

Owns where each of the three is found and how it is shown. Refuses the people in them: those are roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from services.chassis.fhir import Members
from services.chassis.problems import not_found

from ..deps import Deps
from ..models import Department, Listing, Organization
from ..rules.people import folded
from .fhir_present import address_of, identified, telecom
from .fhir_queries import Numbered, Page, beginning_so, bounded, page_of
from .fhir_search import OrganizationSearch

Row = Organization | Department | Listing
_LISTED = "organization"


def read(deps: Deps, id_: UUID) -> Row:
    """One of them. Raises problem 404."""
    with deps.database.transaction() as session:
        enrolled = session.get(Organization, id_)
        found = enrolled or session.get(Department, id_) or session.get(Listing, id_)
    if found is None or (isinstance(found, Listing) and not (found.shown and found.kind == _LISTED)):
        raise not_found("organization")
    return found


def search(deps: Deps, query: OrganizationSearch, after: UUID | None) -> Page[Row]:
    """One page, by id. Each of the three gives as many as the page may have, and the least ids win."""
    if query.active == "false":  # what is out of use is not kept
        return Page([], None, False)
    with deps.database.transaction() as session:
        found = [each(session, query, after) for each in (_enrolled, _departments, _listed)]
    return page_of(list(merge(*found, key=lambda row: row[0].id)), query.count)


def resource(row: Row) -> Members:
    """One Organization."""
    shown: Members = {"resourceType": "Organization", "id": str(row.id), "active": True, "name": row.name}
    if isinstance(row, Department):
        theirs = row.organization
        return shown | {"partOf": {"reference": f"Organization/{theirs.id}", "display": theirs.name}}
    if isinstance(row, Listing):
        address = address_of(row)
        placed = {"address": [{"use": "work"} | address]} if address else {}
        return shown | identified(row.npi) | telecom(row) | placed
    return shown


def _enrolled(session: Session, query: OrganizationSearch, after: UUID | None) -> list[Numbered[Row]]:
    if query.identifier is not None or query.partof is not None:
        return []
    return bounded(session, Organization, _conditions(query, Organization), query, after)


def _conditions(
    query: OrganizationSearch, model: type[Organization] | type[Department]
) -> Iterator[ColumnElement[bool]]:
    if query.ids is not None:
        yield model.id.in_(query.ids)
    if query.name is not None:
        yield or_(*(model.folded.contains(folded(name), autoescape=True) for name in query.name))


def _departments(session: Session, query: OrganizationSearch, after: UUID | None) -> list[Numbered[Row]]:
    if query.identifier is not None:
        return []
    conditions = list(_conditions(query, Department))
    if query.partof is not None:
        conditions.append(Department.organization_id.in_(query.partof))
    return bounded(session, Department, conditions, query, after)


def _listed(session: Session, query: OrganizationSearch, after: UUID | None) -> list[Numbered[Row]]:
    if query.partof is not None:
        return []
    conditions: list[ColumnElement[bool]] = [Listing.kind == _LISTED, Listing.shown.is_(True)]
    if query.ids is not None:
        conditions.append(Listing.id.in_(query.ids))
    if query.identifier is not None:
        conditions.append(Listing.npi.in_(query.identifier))
    if query.name is not None:
        conditions.append(beginning_so(query.name))
    return bounded(session, Listing, conditions, query, after)
