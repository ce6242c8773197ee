"""Messaging's app over the small world, and a client that signs in as whoever it is told.

Owns the way in. Refuses tokens and proofs: those are tested where they are checked.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from concord_formats.signatures import to_base64url
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.chassis.auth import AccessToken
from services.chassis.problems import Problem
from services.chassis.web import service_app
from services.messaging import api, models
from services.messaging.intake import LETTER_TYPE

from .world import AGE, Clinician, World, framed, settings

MAX = 2 * 1024 * 1024


class TrustingAuthenticator:
    """Takes whoever the test says they are; nobody, when it says nothing."""

    def __init__(self) -> None:
        self.caller: Clinician | None = None

    def authenticate(self, _: object) -> AccessToken:
        if self.caller is None:
            raise Problem(401, "unauthenticated", "Not signed in", "Sign in.")
        return AccessToken(self.caller.caller, "thumbprint", 0)


class Site:
    """The app over a small world, and a client that signs in as whoever it is told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.authenticator = TrustingAuthenticator()
        configured = settings()
        configured.service, configured.public_url = "messaging", "http://concord.test/messaging"
        app = service_app(configured, [api.messaging], dict, authenticator=self.authenticator)  # type: ignore[arg-type]
        app.extensions[api.EXTENSION] = world.desk
        self.app = app
        self.client: FlaskClient = app.test_client()

    def ask(self, method: str, path: str, who: Clinician | None, **more: Any) -> TestResponse:
        self.authenticator.caller = who
        return self.client.open(path, method=method, **more)

    def get(self, path: str, who: Clinician | None = None) -> TestResponse:
        return self.ask("GET", path, who or self.world.psychologist)

    def put(self, letter: UUID, body: bytes, **more: Any) -> TestResponse:
        return self.ask(
            "PUT", f"/v1/letters/{letter}", self.world.physician, **({"data": body, "content_type": LETTER_TYPE} | more)
        )

    def stream(self, letter: UUID, body: Any, announced: int | None) -> TestResponse:
        """Send a body that is read as it comes; None: chunked, so that nothing is announced."""
        how = {"wsgi.input_terminated": True} if announced is None else {"CONTENT_LENGTH": str(announced)}
        return self.put(letter, b"", environ_overrides={"wsgi.input": body} | how)

    def send(self, body: bytes = AGE + b"sealed", **changed: Any) -> tuple[UUID, TestResponse]:
        address = self.world.address(**changed)
        return address.letter, self.put(address.letter, framed(address, body))


def problem(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    assert response.json is not None
    return response.status_code, response.json["type"].rpartition(":")[2]


def empty(world: World) -> bool:
    tables = (models.LetterRow, models.DeliveryRow, models.ChunkRow, models.UploadRow)
    return not any(world.rows(table) for table in tables)


def receipt(site: Site, letter: UUID, body: str, /, **changed: Any) -> dict[str, str]:
    said = {
        "v": 1,
        "letter": str(letter),
        "recipient": str(site.world.psychologist.id),
        "device": str(site.world.psychologist.device),
        "letter_sha256": body,
        "opened_at": "2026-11-23T09:05:00Z",
    } | changed
    return {"receipt": to_base64url(json.dumps(said).encode()), "signature": to_base64url(bytes(64 + 3309))}
