"""The FHIR R4 face of the directory: people, their roles, organizations and where letters go; read and search.

Owns the routes and what each answers with. Refuses strangers, but for the `CapabilityStatement`.
"""

from __future__ import annotations

from uuid import UUID

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from services.chassis import fhir
from services.chassis.auth import caller
from services.chassis.problems import not_found
from services.chassis.web import SIGNED_IN, blueprint

from ..deps import Deps
from ..finding.listing_showing import FoundListing
from ..shapes import ByOrganization, ByPractitioner
from . import fhir_bundles, fhir_capabilities, fhir_organizations, fhir_present, fhir_queries
from .fhir_search import EndpointSearch, OrganizationSearch, PractitionerSearch, RoleSearch

_BUNDLE = fhir.answers("A Bundle of type searchset", 401)
_POSTED = fhir.answers("A Bundle of type searchset", 401, 413, 415)


class ByRole(BaseModel):
    """A path with the id of a role."""

    role: UUID


class ByEndpoint(BaseModel):
    """A path with the id of an endpoint."""

    endpoint: UUID


def routes(deps: Deps) -> list[APIBlueprint]:
    """The routes for those who are signed in, and the public one."""
    made = fhir.face(blueprint("fhir", __name__, tag="FHIR", security=SIGNED_IN), repeatable=["_include"])
    public = fhir.face(blueprint("fhir_metadata", __name__, tag="FHIR"))
    _practitioners(made, deps)
    _roles(made, deps)
    _organizations(made, deps)
    _endpoints(made, deps)

    @public.get("/fhir/metadata", responses=fhir.answers("The CapabilityStatement"))
    def capabilities() -> Response:
        """What this server can do."""
        return fhir.respond(fhir_capabilities.statement(fhir_bundles.base_of(deps)))

    return [made, public]


def _practitioners(api: APIBlueprint, deps: Deps) -> None:
    @api.get("/fhir/Practitioner/<practitioner>", responses=fhir.answers("The Practitioner", 401, 404))
    def read_practitioner(path: ByPractitioner) -> Response:
        """One person, enrolled or not. Who hides is shown to their own organization alone."""
        return fhir.respond(fhir_present.practitioner(_read(deps, path.practitioner)))

    @api.get("/fhir/Practitioner", responses=_BUNDLE)
    def search_practitioners(query: PractitionerSearch) -> Response:
        """People by NPI or name."""
        return fhir_bundles.practitioners(deps, query)

    @api.post("/fhir/Practitioner/_search", responses=_POSTED, request_body=fhir.posted(PractitionerSearch))
    def post_search_of_practitioners() -> Response:
        """The same, with nothing of it in a URL."""
        return fhir_bundles.practitioners(deps, fhir.read_posted(PractitionerSearch))


def _roles(api: APIBlueprint, deps: Deps) -> None:
    @api.get("/fhir/PractitionerRole/<role>", responses=fhir.answers("The PractitionerRole", 401, 404))
    def read_role(path: ByRole) -> Response:
        """What one person does, and where."""
        return fhir.respond(fhir_present.role(_read(deps, path.role)))

    @api.get("/fhir/PractitionerRole", responses=_BUNDLE)
    def search_roles(query: RoleSearch) -> Response:
        """People by specialty, organization and place."""
        return fhir_bundles.roles(deps, query)

    @api.post("/fhir/PractitionerRole/_search", responses=_POSTED, request_body=fhir.posted(RoleSearch))
    def post_search_of_roles() -> Response:
        """The same, with nothing of it in a URL."""
        return fhir_bundles.roles(deps, fhir.read_posted(RoleSearch))


def _organizations(api: APIBlueprint, deps: Deps) -> None:
    @api.get("/fhir/Organization/<organization>", responses=fhir.answers("The Organization", 401, 404))
    def read_organization(path: ByOrganization) -> Response:
        """One organization or department, or an entry of the national list."""
        return fhir.respond(fhir_organizations.resource(fhir_organizations.read(deps, path.organization)))

    @api.get("/fhir/Organization", responses=_BUNDLE)
    def search_organizations(query: OrganizationSearch) -> Response:
        """Organizations by name or NPI, and the departments of one."""
        return fhir_bundles.organizations(deps, query)

    @api.post("/fhir/Organization/_search", responses=_POSTED, request_body=fhir.posted(OrganizationSearch))
    def post_search_of_organizations() -> Response:
        """The same, with nothing of it in a URL."""
        return fhir_bundles.organizations(deps, fhir.read_posted(OrganizationSearch))


def _endpoints(api: APIBlueprint, deps: Deps) -> None:
    @api.get("/fhir/Endpoint/<endpoint>", responses=fhir.answers("The Endpoint", 401, 404))
    def read_endpoint(path: ByEndpoint) -> Response:
        """Where letters for somebody who is enrolled go."""
        found = _read(deps, path.endpoint)
        if found.account is None or not fhir_present.is_active(found):
            raise not_found("endpoint")
        return fhir.respond(fhir_present.endpoint(found.account, deps.settings.public_url))

    @api.get("/fhir/Endpoint", responses=_BUNDLE)
    def search_endpoints(query: EndpointSearch) -> Response:
        """Where letters for the people of an organization go."""
        return fhir_bundles.endpoints(deps, query)

    @api.post("/fhir/Endpoint/_search", responses=_POSTED, request_body=fhir.posted(EndpointSearch))
    def post_search_of_endpoints() -> Response:
        """The same, with nothing of it in a URL."""
        return fhir_bundles.endpoints(deps, fhir.read_posted(EndpointSearch))


def _read(deps: Deps, id_: UUID) -> FoundListing:
    return fhir_queries.read(deps, caller().organization, id_)
