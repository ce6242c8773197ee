"""The FHIR R4 face of the consent service: read, search and revoke a `Consent`, and what it can do.

Owns the routes, the media type, and the rendering of every problem as an `OperationOutcome`. Refuses import: a foreign
resource may hold a patient's name, and is read on a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response, json
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.web import SIGNED_IN, blueprint

from . import fhir_present, refusals, usecases
from .fhir_search import SearchQuery, search
from .models import ConsentRow
from .shapes import ConsentPath
from .signed_in import after_age, collaborators, member

FHIR_TYPE = "application/fhir+json"


def _declared(description: str) -> dict[str, Any]:
    schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}}
    return {"description": description, "content": {FHIR_TYPE: {"schema": schema}}}


def _answers(description: str, *refused: int) -> dict[str | int | HTTPStatus, Any]:
    """What a route answers with: a resource, or an OperationOutcome."""
    outcomes: dict[str | int | HTTPStatus, Any] = {
        str(status): _declared(HTTPStatus(status).phrase) for status in (*refused, 422)
    }
    return {"200": _declared(description), **outcomes, "default": _declared("An OperationOutcome")}


_PENDING: dict[str | int | HTTPStatus, Any] = {"202": _declared("Revoked, and not yet known to hold: ask again")}
_REVOKED = _answers("Revoked, and in effect everywhere", 401, 404) | _PENDING


def blueprints(public_url: str) -> tuple[APIBlueprint, APIBlueprint]:
    """The routes for those who are signed in, and the public one; `public_url` is where the service stands."""
    base = f"{public_url}/fhir"
    routes = blueprint("fhir", __name__, tag="FHIR", security=SIGNED_IN)
    public = blueprint("fhir_metadata", __name__, tag="FHIR")
    for each in (routes, public):
        each.after_request(_as_outcome)
    _consents(routes, base)

    @public.get("/fhir/metadata", responses=_answers("The CapabilityStatement"))
    def capabilities() -> Response:
        """What this server can do with a Consent."""
        return _fhir(fhir_present.capabilities(base))

    return routes, public


def _consents(routes: APIBlueprint, base: str) -> None:
    @routes.get("/fhir/Consent/<consent>", responses=_answers("The Consent", 401, 404))
    def read_consent(path: ConsentPath) -> Response:
        """One consent, to its parties: the version in force, else the newest."""
        return _fhir(fhir_present.resource(_shown(path), _now()))

    @routes.get("/fhir/Consent", responses=_answers("A Bundle of type searchset", 401))
    def search_consents(query: SearchQuery) -> Response:
        """The consents one is a party to, by patient token, status and actor."""
        page = search(collaborators(), member(), query, after_age(query.cursor))
        return _fhir(fhir_present.bundle(base, query, page, _now()))

    @routes.post("/fhir/Consent/<consent>/$revoke", responses=_REVOKED)
    def revoke_consent(path: ConsentPath) -> Response:
        """Revoke a consent, for ever. 202 while it is not yet known to hold everywhere: ask again."""
        _shown(path)
        made = usecases.revoke(collaborators(), member(), path.consent)
        return _fhir(fhir_present.parameters(made), 200 if made.effective_at is not None else 202)


def _shown(path: ConsentPath) -> ConsentRow:
    """The consent, to a party. Raises problem 404, for the record of an emergency as well."""
    row = usecases.show(collaborators(), member(), path.consent).consent
    if row.letter is not None:
        raise refusals.no_such_consent()
    return row


def _now() -> datetime:
    return collaborators().clock.now()


def _fhir(resource: Mapping[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(resource), status=status, content_type=FHIR_TYPE)


def _as_outcome(response: Response) -> Response:
    """A problem document as an `OperationOutcome` that says the same; anything else as it is."""
    if response.content_type == problems.CONTENT_TYPE:
        response.set_data(json.dumps(fhir_present.outcome(response.status_code, response.get_json())))
        response.content_type = FHIR_TYPE
    return response
