"""The directory as an authorization server: token endpoint, key set, metadata.

Owns the wire forms of RFC 6749, RFC 7517 and RFC 8414. Refuses every grant but that of a device for itself.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from services.chassis import dpop, problems
from services.chassis.token_keys import CACHE_SECONDS
from services.chassis.web import Answer, answer, blueprint

from . import usecases
from .deps import Deps
from .rules.rotation import TOKEN_SECONDS
from .signing_in import token_problem
from .tokens import TokenKeys

TOKEN_PATH = "/v1/token"  # noqa: S105 - a path
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FIELDS = ("grant_type", "client_assertion_type", "client_assertion")


class TokenAnswer(Answer):
    """An access token (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str
    expires_in: int


class TokenForm(BaseModel):
    """What is sent, as an HTML form (RFC 6749, section 4.4; RFC 7523, section 2.2)."""

    grant_type: str
    client_assertion_type: str
    client_assertion: str


def routes(deps: Deps, keys: TokenKeys) -> APIBlueprint:
    """The blueprint of this module."""
    api = blueprint("signin", __name__, tag="signing in")
    seen = dpop.SeenProofs(deps.clock)

    @api.post(
        TOKEN_PATH,
        responses={200: TokenAnswer, **problems.declared(400, 401)},
        request_body=_FORM,
    )
    def token() -> Response:
        """An access token for a device that signs a client assertion and a DPoP proof with its authentication key."""
        assertion = _assertion()
        proof = _proof(deps, seen)
        text = usecases.sign_in(deps, keys, assertion, proof)
        return answer(TokenAnswer(access_token=text, token_type="DPoP", expires_in=TOKEN_SECONDS))  # noqa: S106

    @api.get("/.well-known/jwks.json", responses={200: _ANY_OBJECT})
    def key_set() -> Response:
        """The public keys that access tokens are signed with."""
        return _public(jsonify({"keys": keys.public_set()}))

    @api.get("/.well-known/oauth-authorization-server", responses={200: _ANY_OBJECT})
    def metadata() -> Response:
        """What this authorization server can do (RFC 8414)."""
        return _public(jsonify(_metadata(deps.settings.issuer)))

    return api


_ANY_OBJECT: dict[str, Any] = {"content": {"application/json": {"schema": {"type": "object"}}}}
_FORM: dict[str, Any] = {
    "required": True,
    "content": {"application/x-www-form-urlencoded": {"schema": TokenForm.model_json_schema()}},
}


def _assertion() -> str:
    """The client assertion of a well-formed token request. Raises problem 400."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _invalid_request("Send the request as application/x-www-form-urlencoded.")
    for name in _FIELDS:
        if len(request.form.getlist(name)) != 1:
            raise _invalid_request(f"{name} must be given once.")
    if request.form["grant_type"] != "client_credentials":
        detail = "Only grant_type client_credentials is known here."
        raise token_problem(400, "unsupported-grant-type", "Unsupported grant type", detail)
    if request.form["client_assertion_type"] != ASSERTION_TYPE:
        raise _invalid_request(f"client_assertion_type must be {ASSERTION_TYPE}.")
    return request.form["client_assertion"]


def _proof(deps: Deps, seen: dpop.SeenProofs) -> dpop.Proof:
    """The DPoP proof of a token request. Raises problem 400 `invalid-dpop-proof` (RFC 9449, section 5)."""
    proofs = request.headers.getlist("DPoP")
    try:
        if len(proofs) != 1:
            raise dpop.ProofError("the request must carry exactly one DPoP proof")
        url = deps.settings.public_url + TOKEN_PATH
        proof = dpop.verify(proofs[0], method="POST", url=url, now=deps.clock.now().timestamp())
        seen.remember(proof)
    except dpop.ProofError as error:
        detail = f"{str(error).capitalize()}."
        raise token_problem(400, "invalid-dpop-proof", "Proof of possession not accepted", detail) from None
    return proof


def _invalid_request(detail: str) -> problems.Problem:
    return token_problem(400, "invalid-request", "Malformed token request", detail)


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
    return response


def _metadata(issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [dpop.ALGORITHM],
        "dpop_signing_alg_values_supported": [dpop.ALGORITHM],
    }
