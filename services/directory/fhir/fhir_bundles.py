"""What searches in FHIR answer with: a page of matches, what comes along with them, and the way to the next page.

Owns the Bundles of the directory and their cursors. Refuses a search that names nothing to look for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from flask import Response

from services.chassis import fhir
from services.chassis.fhir import Members
from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import invalid_field

from ..deps import Deps
from ..finding.listing_showing import FoundListing
from . import fhir_organizations, fhir_present, fhir_queries
from .fhir_queries import MOST_DEEP, Page
from .fhir_search import EndpointSearch, OrganizationSearch, PractitionerSearch, RoleSearch, Search


def base_of(deps: Deps) -> str:
    """The address of the FHIR face."""
    return f"{deps.settings.public_url}/fhir"


def practitioners(deps: Deps, query: PractitionerSearch) -> Response:
    """People, by who they are. Raises problem 422."""
    page = fhir_queries.practitioners(deps, query, _after(query))
    return _bundle(deps, "Practitioner", query, page, map(fhir_present.practitioner, page.rows))


def roles(deps: Deps, query: RoleSearch) -> Response:
    """What people do and where, and beside it what was asked to come along. Raises problem 422."""
    page = fhir_queries.roles(deps, query, _after(query))
    beside = _included(deps, query, page.rows)
    return _bundle(deps, "PractitionerRole", query, page, map(fhir_present.role, page.rows), beside)


def organizations(deps: Deps, query: OrganizationSearch) -> Response:
    """Organizations of every kind. Raises problem 422."""
    page = fhir_organizations.search(deps, query, _after(query))
    return _bundle(deps, "Organization", query, page, map(fhir_organizations.resource, page.rows))


def endpoints(deps: Deps, query: EndpointSearch) -> Response:
    """Where letters for people go. Raises problem 422."""
    page = fhir_queries.reachable(deps, query, _after(query))
    return _bundle(deps, "Endpoint", query, page, _endpoints_of(deps, page.rows))


def _included(deps: Deps, query: RoleSearch, rows: Sequence[FoundListing]) -> Iterable[Members]:
    """What the roles of a page point to, each once."""
    wanted = {each.rpartition(":")[2] for each in query.include}
    employers = {found.account.organization_id: found.account.organization for found in rows if found.account}
    if "practitioner" in wanted:
        yield from map(fhir_present.practitioner, rows)
    if "organization" in wanted:
        yield from map(fhir_organizations.resource, employers.values())
    if "endpoint" in wanted:
        yield from _endpoints_of(deps, rows)


def _endpoints_of(deps: Deps, rows: Iterable[FoundListing]) -> Iterable[Members]:
    accounts = [found.account for found in rows if found.account]
    return [fhir_present.endpoint(account, deps.settings.public_url) for account in accounts]


def _after(query: Search) -> UUID | None:
    """Where the page begins. Raises problem 422, also for a search that names nothing to look for."""
    query.narrowed()
    if query.cursor is None:
        return None
    try:
        return UUID(str(decode_cursor(query.cursor, (str,))[0]))
    except ValueError:
        raise invalid_field("cursor", "follow the link `next` of the page before, unchanged") from None


def _bundle(
    deps: Deps, type_: str, query: Search, page: Page[Any], matches: Iterable[Members], beside: Iterable[Members] = ()
) -> Response:
    base = base_of(deps)
    said = dict(fhir.said()) | {"_count": [str(query.count)]}
    entries = [fhir.entry(base, each) for each in matches]
    entries += [fhir.entry(base, each, "include") for each in beside]
    if page.cut:
        entries.append(
            fhir.remark("too-costly", f"More than {MOST_DEEP} match, and these are all that are shown. Say more.")
        )
    onward = encode_cursor([str(page.after)]) if page.after else None
    return fhir.respond(fhir.searchset(f"{base}/{type_}", said, query.cursor, onward, entries))
