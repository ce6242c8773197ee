"""The FHIR R4 face of the consent service: read, search and revoke a `Consent`, and what it can do.

Owns the routes. Refuses import: a foreign resource may hold a patient's name, and is read on a client.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import fhir
from services.chassis.web import SIGNED_IN, blueprint

from . import fhir_present, refusals, usecases
from .fhir_search import SearchQuery, search
from .models import ConsentRow
from .shapes import ConsentPath
from .signed_in import after_age, collaborators, member

_PENDING: dict[str | int | HTTPStatus, Any] = {"202": fhir.declared("Revoked, and not yet known to hold: ask again")}
_REVOKED = fhir.answers("Revoked, and in effect everywhere", 401, 404) | _PENDING


def blueprints(public_url: str) -> tuple[APIBlueprint, APIBlueprint]:
    """The routes for those who are signed in, and the public one; `public_url` is where the service stands."""
    base = f"{public_url}/fhir"
    routes = fhir.face(blueprint("fhir", __name__, tag="FHIR", security=SIGNED_IN))
    public = fhir.face(blueprint("fhir_metadata", __name__, tag="FHIR"))
    _consents(routes, base)

    @public.get("/fhir/metadata", responses=fhir.answers("The CapabilityStatement"))
    def capabilities() -> Response:
        """What this server can do with a Consent."""
        return fhir.respond(fhir_present.capabilities(base))

    return routes, public


def _consents(routes: APIBlueprint, base: str) -> None:
    @routes.get("/fhir/Consent/<consent>", responses=fhir.answers("The Consent", 401, 404))
    def read_consent(path: ConsentPath) -> Response:
        """One consent, to its parties: the version in force, else the newest."""
        return fhir.respond(fhir_present.resource(_shown(path), _now()))

    @routes.get("/fhir/Consent", responses=fhir.answers("A Bundle of type searchset", 401))
    def search_consents(query: SearchQuery) -> Response:
        """The consents one is a party to, by patient token, status and actor."""
        page = search(collaborators(), member(), query, after_age(query.cursor))
        return fhir.respond(fhir_present.bundle(base, query, page, _now()))

    @routes.post("/fhir/Consent/<consent>/$revoke", responses=_REVOKED)
    def revoke_consent(path: ConsentPath) -> Response:
        """Revoke a consent, for ever. 202 while it is not yet known to hold everywhere: ask again."""
        _shown(path)
        made = usecases.revoke(collaborators(), member(), path.consent)
        return fhir.respond(fhir_present.parameters(made), 200 if made.effective_at is not None else 202)


def _shown(path: ConsentPath) -> ConsentRow:
    """The consent, to a party. Raises problem 404, for the record of an emergency as well."""
    row = usecases.show(collaborators(), member(), path.consent).consent
    if row.letter is not None:
        raise refusals.no_such_consent()
    return row


def _now() -> datetime:
    return collaborators().clock.now()
