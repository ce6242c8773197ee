"""Problems: every refusal a service makes, raised anywhere and rendered in one place (RFC 9457).

Owns the exception and its rendering as `application/problem+json`. Refuses details of the request body: a problem names
the field and the mend, never the value that was sent. The list of types is `spec/problems.md`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, json
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from . import logs, metrics

TYPE_PREFIX = "urn:concord:problem:"
CONTENT_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so, and so does everybody who raises it
    """A refusal that its reader can act on.

    `type_` is the last part of the URN (`no-active-consent`), `title` says what it is in a few words, `detail` what is
    wrong here and how to mend it; `more` are extension members (RFC 9457, section 3.2).
    """

    def __init__(self, status: int, type_: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(f"{type_}: {detail}")
        self.status = status
        self.type = TYPE_PREFIX + type_
        self.title = title
        self.detail = detail
        self.more = more
        self.headers: dict[str, str] = {}

    def with_header(self, name: str, value: str) -> Problem:
        """The same problem with a response header, such as `WWW-Authenticate`."""
        self.headers[name] = value
        return self


class ProblemDocument(BaseModel):
    """The members of every problem; a type may add its own (RFC 9457, section 3)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str


def declared(*statuses: int) -> dict[str | int | HTTPStatus, Any]:
    """These statuses as problem documents, for a route's `responses`."""
    return {str(status): _declaration(HTTPStatus(status).phrase) for status in statuses}


def _declaration(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}


# What any route may answer with: 422 stands by name because flask-openapi would otherwise describe its own there.
DECLARED_FOR_ALL: dict[str | int | HTTPStatus, Any] = {**declared(422), "default": _declaration("A problem")}


def invalid_field(field: str, detail: str) -> Problem:
    """A member of the request is wrong: 422, with the field's name in `field`."""
    return Problem(422, "invalid-field", "A field is not valid", f"{field}: {detail}", field=field)


def not_found(what: str) -> Problem:
    """There is no such thing, or it is not the caller's to see: both read the same."""
    return Problem(404, "not-found", "Not found", f"No such {what}, or it is not yours to see.")


def unavailable(type_: str, title: str, detail: str, *, retry_after: int = 1) -> Problem:
    """The service cannot answer just now: 503, with the seconds after which to try again."""
    return Problem(503, type_, title, detail).with_header("Retry-After", str(retry_after))


def respond(problem: Problem) -> Response:
    """Render one problem, and count it by its type, which is one of a closed list."""
    service = current_app.name.removeprefix("concord-") if current_app else ""
    metrics.PROBLEMS.labels(service, problem.type.rpartition(":")[2]).inc()
    members = {"type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.detail}
    response = Response(json.dumps(members | problem.more), status=problem.status, content_type=CONTENT_TYPE)
    response.headers.update(problem.headers)
    return response


def validation_problem(error: ValidationError) -> Problem:
    """The first member that pydantic refused, by name."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return invalid_field(".".join(map(str, first["loc"])) or "body", str(first["msg"]))


def install(app: Flask) -> None:
    """Render problems, HTTP errors and the unforeseen alike as problem documents."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(HTTPException, _respond_to_http)
    app.register_error_handler(Exception, _respond_to_unforeseen)


def _respond_to_http(error: HTTPException) -> Response:
    if error.response is not None:  # already rendered: `abort(response)`
        return error.response  # type: ignore[return-value]
    status = error.code or 500
    phrase = HTTPStatus(status).phrase
    type_ = _HTTP_TYPES.get(status) or phrase.lower().replace(" ", "-")
    problem = Problem(status, type_, phrase, _HTTP_DETAILS.get(status) or error.description or phrase)
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (allow := getattr(error, "valid_methods", None)):
        problem.with_header("Allow", ", ".join(sorted(allow)))
    return respond(problem)


# The phrase of 413 differs between versions of Python; the type must not.
_HTTP_TYPES = {413: "too-large"}
_HTTP_DETAILS = {413: "The body is larger than this address accepts. Send less."}


def _respond_to_unforeseen(error: Exception) -> Response:
    # The message of an unforeseen exception may hold anything: its type and its place are logged, and nothing is told.
    logs.logger("problems").error("unforeseen", error=type(error).__name__, stack=logs.stack_of(error))
    detail = "The service failed. Nothing was changed; try again, and tell the operator the time if it stays."
    return respond(Problem(500, "internal", "The service failed", detail))
