"""The web side of a service: one factory that gives every app the same manners.

Owns the OpenAPI document, request ids, security headers, the strict reading of JSON bodies, and the rendering of
answers. Refuses routes of its own but those of health: what a service does is in its blueprints.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Request, Response, g, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.info import Info
from flask_openapi.models.security_scheme import SecurityScheme
from flask_openapi.models.tag import Tag
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict

from . import db, health, logs, metrics, problems, tracing
from .auth import Authenticator, authenticated
from .config import Settings
from .problems import Problem
from .service_auth import ServiceVerifier

# The largest JSON body of ours is a key entry of 64 KiB in base64url, but where a blueprint says otherwise; documents
# are streamed and have limits of their own.
JSON_MAX_BYTES = 256 * 1024

# Names of the two ways to sign in, as the OpenAPI document spells them.
SIGNED_IN: list[dict[str, list[Any]]] = [{"DPoP": []}]
SERVICE_ONLY: list[dict[str, list[Any]]] = [{"Service": []}]


class Body(BaseModel):
    """The base of every JSON request: exact types, no member that is not named."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """The base of every JSON answer."""

    model_config = ConfigDict(frozen=True)


def blueprint(
    name: str,
    import_name: str,
    *,
    tag: str,
    security: list[dict[str, list[Any]]] | None = None,
    put_max_bytes: int = JSON_MAX_BYTES,
) -> APIBlueprint:
    """A blueprint whose routes all declare problem documents, and how their caller signs in.

    With `security=SIGNED_IN` the caller is checked before anything else of the request is read: a stranger learns
    nothing from how a body is refused. `put_max_bytes` is the largest body of its PUT requests.
    """
    made = APIBlueprint(
        name,
        import_name,
        abp_tags=[Tag(name=tag)],
        abp_security=security or [],
        abp_responses=dict(problems.DECLARED_FOR_ALL),
    )
    if security == SIGNED_IN:
        made.before_request(_sign_in)
    if put_max_bytes > JSON_MAX_BYTES:
        made.before_request(lambda: _make_room(put_max_bytes))
    return made


@authenticated
def _sign_in() -> None:
    """Nothing beyond what the decorator does."""


def _make_room(put_max_bytes: int) -> None:
    if request.method == "PUT":
        request.max_content_length = put_max_bytes


def answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Render an answer."""
    return Response(model.model_dump_json(), status=status, headers=headers, content_type="application/json")


def service_app(
    settings: Settings,
    blueprints: Sequence[APIBlueprint],
    ready: Callable[[], Mapping[str, bool]],
    *,
    authenticator: Authenticator | None = None,
    services: ServiceVerifier | None = None,
) -> OpenAPI:
    """A service's Flask app. `ready` names what it needs (a database, a peer) and whether each answers now.

    `authenticator` is what `@auth.authenticated` asks, `services` what `@service_auth.require_service` asks.
    """
    app = OpenAPI(
        f"concord-{settings.service}",
        info=Info(title=f"Concord {settings.service}", version="1"),
        security_schemes=_SECURITY_SCHEMES,
        servers=[{"url": settings.public_url}],
        validation_error_model=problems.ProblemDocument,
        validation_error_callback=lambda error: problems.respond(problems.validation_problem(error)),
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    app.request_class = StrictRequest
    app.config["MAX_CONTENT_LENGTH"] = JSON_MAX_BYTES
    app.extensions["concord.authenticator"] = authenticator
    app.extensions["concord.services"] = services
    _install_manners(app, settings.service)
    app.add_url_rule("/openapi.json", view_func=lambda: app.api_doc, endpoint="openapi")
    health.install(app, ready)
    for each in blueprints:
        app.register_api(each)
    return app


class StrictRequest(Request):
    """A request whose JSON body is one UTF-8 JSON object, each member once, or a problem."""

    def get_json(self, *_: Any, **__: Any) -> Any:
        """The text of the body, checked. flask-openapi hands text to pydantic's JSON mode, which is the exact one.

        Raises problem 415 `unsupported-media-type`, 400 `malformed-json`, 413 `too-large`.
        """
        if self.mimetype != "application/json":
            raise Problem(415, "unsupported-media-type", "Unsupported media type", "Send the body as application/json.")
        try:
            text = self.get_data().decode("utf-8")
            value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise _malformed() from None
        if not isinstance(value, dict):
            raise _malformed()
        return text


def _malformed() -> Problem:
    return Problem(400, "malformed-json", "Malformed JSON", "Send one JSON object in UTF-8, each member once.")


_SECURITY_SCHEMES: dict[str, SecurityScheme | dict[str, Any]] = {
    "DPoP": {"type": "http", "scheme": "DPoP", "description": "Access token with a proof of possession (RFC 9449)"},
    "Service": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Between services only"},
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(_: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


def _install_manners(app: Flask, service: str) -> None:
    problems.install(app)
    app.register_error_handler(db.DatabaseUnavailableError, _respond_to_database)
    app.register_error_handler(db.DeadlineExceededError, _respond_to_database)
    measured = metrics.install(app, service)
    app.before_request(_begin)
    app.after_request(lambda response: _finish(response, measured))


def _respond_to_database(_: Exception) -> Response:
    detail = "The database did not answer in time. Nothing was changed; try again."
    return problems.respond(problems.unavailable("database-unavailable", "Database unavailable", detail))


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid4())
    g.started = time.perf_counter()
    # Only services sign with `Bearer`: a client's trace does not decide what is traced here. The signature is not
    # checked yet, so this sorts and defends nothing: that the gateway does, which lets no such header through.
    inside = request.headers.get("Authorization", "").startswith("Bearer ")
    attributes = {"http.request.method": request.method, "concord.request": g.request_id}
    g.traced = tracing.begin(request.method, attributes, request.headers.get("traceparent") if inside else None)
    # A thread serves one request after the other: what the last one bound is not this one's.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        request=g.request_id, **({"trace": id_} if (id_ := tracing.trace_id()) else {})
    )


def _finish(response: Response, measured: metrics.Requests) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "unknown"
    measured.observe(request.method, route, response.status_code, seconds)
    told = {"http.route": route, "http.response.status_code": response.status_code}
    tracing.end(g.pop("traced", None), f"{request.method} {route}", told)
    if response.status_code >= 500:
        logs.logger("web").warning(
            "answered",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=int(seconds * 1000),
        )
    return response
