"""The consent service over HTTP, with real sign-in checks: one visitor a test person."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import FormStatement
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from werkzeug.test import TestResponse

from services.chassis.auth import Authenticator
from services.chassis.clock import SystemClock
from services.chassis.web import service_app
from services.consent import api, signed_in
from services.consent.rules.standing import Member
from services.consent.rules.terms import Terms
from tests.unit.chassis.visitor import IssuerKeys, Visitor
from tests.unit.consent.examples import PHYSICIAN, TERMS
from tests.unit.consent.world import BASE, FORM, World, settings

SIGNED = {
    "Concord-Signed-On": "2026-11-22",
    "Concord-Signature-Method": "ink",
    "Concord-Form": "concord",
    "Concord-Form-Language": "en",
    "Concord-Form-Statements": ",".join(FormStatement),
    "Concord-Signer": "patient",
    "Concord-Copy-Given": "true",
    "Content-Type": "application/octet-stream",
}


def make_app(world: World, issuer: IssuerKeys, folder: Path, *blueprints: APIBlueprint) -> OpenAPI:
    """The routes of consents, or others, on a world."""
    said = settings(folder)
    clock = SystemClock()
    authenticator = Authenticator(issuer=said.issuer, public_url=said.public_url, keys=issuer, clock=clock)
    app = service_app(said, blueprints or [api.consents], dict, authenticator=authenticator)
    app.extensions[signed_in.EXTENSION] = world.all
    return app


def body_of(terms: Terms = TERMS, **changed: Any) -> dict[str, Any]:
    """Terms as a client writes them."""
    parties = {
        side: {"kind": party.kind.value, "id": str(party.id)}
        for side, party in (("discloser", terms.discloser), ("recipient", terms.recipient))
    }
    return {
        "type": terms.type.value,
        "patient": terms.patient,
        **parties,
        "mutual": terms.mutual,
        "purposes": sorted(terms.purposes),
        "information": sorted(terms.information),
        "sensitivity": sorted(terms.sensitivity),
        "valid_from": terms.valid_from.isoformat(),
        "valid_until": terms.valid_until.isoformat(),
        "expires_on": terms.expires_on.value if terms.expires_on else None,
    } | changed


class Browser:
    """Requests as a member makes them."""

    def __init__(self, app: OpenAPI, issuer: IssuerKeys) -> None:
        self._client = app.test_client()
        self._issuer = issuer

    def ask(self, method: str, path: str, member: Member = PHYSICIAN, **request: Any) -> TestResponse:
        """One signed request."""
        visitor = Visitor(self._issuer, BASE, member.practitioner, member.organization)
        bare = path.partition("?")[0]
        headers = visitor.headers(method, f"{BASE}/consent{bare}") | request.pop("headers", {})
        return self._client.open(path, method=method, headers=headers, **request)

    def unsigned(self, method: str, path: str, **request: Any) -> TestResponse:
        """One request of nobody."""
        return self._client.open(path, method=method, **request)

    def draft(self, **changed: Any) -> str:
        """A draft; its id."""
        made = self.ask("POST", "/v1/consents", json=body_of(**changed))
        assert made.status_code == 201, made.data
        return str(UUID(made.get_json()["id"]))

    def active(self) -> str:
        """A consent in force; its id."""
        consent = self.draft()
        at = f"/v1/consents/{consent}/versions/1"
        stored = self.ask("PUT", f"{at}/evidence", data=FORM, headers=SIGNED).get_json()
        digest = stored["versions"][0]["evidence"]["sha256"]
        assert self.ask("POST", f"{at}/acceptance", json={"evidence_sha256": digest}).status_code == 200
        assert self.ask("POST", f"{at}/activation").status_code == 200
        return consent
