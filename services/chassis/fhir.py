"""How FHIR R4 is spoken over HTTP: the media type, problems as an `OperationOutcome`, a search's pages and their links.

Owns what the FHIR faces of all services have in common. Refuses every resource: what one says is known to its service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, json, request
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, ValidationError

from . import problems

TYPE = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
VERSION = "4.0.1"
PROBLEM_SYSTEM = "urn:concord:problem"
Members = dict[str, Any]
Search = TypeVar("Search", bound=BaseModel)
_Responses = dict[str | int | HTTPStatus, Any]
_ISSUES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 409: "conflict", 503: "transient"}


def declared(description: str) -> Members:
    """A resource, for a route's `responses`."""
    schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}}
    return {"description": description, "content": {TYPE: {"schema": schema}}}


def answers(description: str, *refused: int) -> _Responses:
    """What a route answers with: a resource, or an `OperationOutcome`."""
    outcomes: _Responses = {str(status): declared(HTTPStatus(status).phrase) for status in (*refused, 422)}
    return {"200": declared(description), **outcomes, "default": declared("An OperationOutcome")}


def face(routes: APIBlueprint, *, repeatable: Iterable[str] = ()) -> APIBlueprint:
    """The same blueprint, speaking FHIR: problems become outcomes, and no parameter but these stands twice.

    Twice means that both must hold (R4, Search). To take one of them in silence would find more than was asked for.
    """
    several = frozenset(repeatable)
    routes.before_request(lambda: _each_once(several))
    routes.after_request(_as_outcome)
    return routes


def posted(search: type[BaseModel]) -> Members:
    """The body of a search that is posted (R4, RESTful API: search), for a route's `request_body`."""
    return {"required": True, "content": {FORM: {"schema": search.model_json_schema()}}}


def read_posted(search: type[Search]) -> Search:
    """A search that was posted; the URL counts as well. Raises problem 415, and 422 by the name of a parameter."""
    if request.mimetype != FORM:
        raise problems.Problem(415, "unsupported-media-type", "Unsupported media type", f"Send the search as {FORM}.")
    lists = {name for name, each in search.model_json_schema()["properties"].items() if each.get("type") == "array"}
    given = {name: values if name in lists else values[0] for name, values in said()}
    try:
        return search.model_validate(given)
    except ValidationError as error:
        raise problems.validation_problem(error) from None


def said() -> list[tuple[str, list[str]]]:
    """What a search says, wherever it stands: each parameter with its values."""
    return list(request.values.lists())


def respond(resource: Mapping[str, Any], status: int = 200) -> Response:
    """Render a resource."""
    return Response(json.dumps(resource), status=status, content_type=TYPE)


def outcome(status: int, told: Mapping[str, Any]) -> Members:
    """What a problem document says, as an `OperationOutcome`."""
    field = {"expression": [told["field"]]} if "field" in told else {}
    issue = {
        "severity": "error",
        "code": _ISSUES.get(status, "invalid" if status < 500 else "exception"),
        "details": {
            "coding": [{"system": PROBLEM_SYSTEM, "code": told["type"].removeprefix(problems.TYPE_PREFIX)}],
            "text": told["title"],
        },
        "diagnostics": told["detail"],
    }
    return {"resourceType": "OperationOutcome", "issue": [issue | field]}


def entry(base: str, resource: Mapping[str, Any], mode: str = "match") -> Members:
    """One resource of a search's answer; `base` is the address of the FHIR face, `mode` match or include."""
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": address, "resource": resource, "search": {"mode": mode}}


def remark(code: str, text: str) -> Members:
    """What a search's answer says of itself: an issue of R4's type `code`, which is no error."""
    issue = {"severity": "information", "code": code, "diagnostics": text}
    return {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}}


def searchset(
    address: str, parameters: Mapping[str, Any], cursor: str | None, onward: str | None, entries: Iterable[Members]
) -> Members:
    """A page of a search at `address` by these: `cursor` is the page's own, `onward` that of the next one."""
    links = [{"relation": "self", "url": _link(address, parameters, cursor)}]
    if onward is not None:
        links.append({"relation": "next", "url": _link(address, parameters, onward)})
    found: Members = {"resourceType": "Bundle", "type": "searchset", "link": links}
    # An empty list is no FHIR.
    return found | ({"entry": listed} if (listed := list(entries)) else {})


def offered(type_: str, parameters: Iterable[tuple[str, str]], **more: Any) -> Members:
    """What can be done with a type of resource: read, and search by these, each with its type."""
    return {
        "type": type_,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": kind} for name, kind in parameters],
    } | more


def capabilities(base: str, description: str, date: str, resources: list[Members]) -> Members:
    """The `CapabilityStatement` of the face at `base`; `date` is that of its last change."""
    security = {"description": "Access token with a proof of possession (RFC 9449)"}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "implementation": {"description": description, "url": base},
        "fhirVersion": VERSION,
        "format": ["json"],
        "rest": [{"mode": "server", "security": security, "resource": resources}],
    }


def _link(address: str, parameters: Mapping[str, Any], cursor: str | None) -> str:
    return f"{address}?{urlencode({**parameters} | ({'cursor': cursor} if cursor else {}), doseq=True)}"


def _each_once(repeatable: frozenset[str]) -> None:
    for name, values in said():
        if len(values) > 1 and name not in repeatable:
            raise problems.invalid_field(name, "give it once")


def _as_outcome(response: Response) -> Response:
    """A problem document as an `OperationOutcome` that says the same; anything else as it is."""
    if response.content_type == problems.CONTENT_TYPE:
        response.set_data(json.dumps(outcome(response.status_code, response.get_json())))
        response.content_type = TYPE
    return response
