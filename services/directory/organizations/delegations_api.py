"""The routes of delegations.

Owns paths, statuses and who may call. Refuses decisions: each route parses, calls one use case and presents its result.
"""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import caller
from services.chassis.web import SIGNED_IN, answer, blueprint

from .. import usecases
from ..deps import Deps
from . import delegations_shapes as shapes
from .teams_api import ended
from .teams_shapes import EndedAnswer


def routes(deps: Deps) -> APIBlueprint:
    """The blueprint."""
    api = blueprint("delegations", __name__, tag="delegations", security=SIGNED_IN)

    @api.post(
        "/v1/delegations",
        responses={201: shapes.DelegationAnswer, **problems.declared(400, 401, 403, 404, 409, 415)},
    )
    def give(body: shapes.DelegationRequest) -> Response:
        """Let a colleague send letters in the caller's name, as the caller's device has signed."""
        return answer(shapes.DelegationAnswer.of(usecases.give_delegation(deps, caller(), body.signed())), 201)

    @api.get("/v1/delegations", responses={200: shapes.DelegationsAnswer, **problems.declared(401, 403)})
    def find(query: shapes.DelegationsQuery) -> Response:
        """What the caller gave and got, and for an administrator what their organization has; the newest first."""
        wanted = usecases.WantedDelegations(query.delegator, query.delegate)
        rows, after = usecases.find_delegations(deps, caller(), wanted, query.cursor, query.limit)
        shown = [shapes.DelegationAnswer.of(row) for row in rows]
        return answer(shapes.DelegationsAnswer(delegations=shown, next=after))

    @api.get("/v1/delegations/<delegation>", responses={200: shapes.DelegationAnswer, **problems.declared(401, 404)})
    def show(path: shapes.ByDelegation) -> Response:
        """One delegation, exactly as signed, and whether it was revoked."""
        return answer(shapes.DelegationAnswer.of(usecases.show_delegation(deps, path.delegation)))

    @api.delete(
        "/v1/delegations/<delegation>",
        responses={200: EndedAnswer, 202: EndedAnswer, **problems.declared(401, 403, 404)},
    )
    def revoke(path: shapes.ByDelegation) -> Response:
        """Take a delegation back; 200 once nothing can be released by it any more, 202 until then. Repeat to wait."""
        return ended(usecases.revoke_delegation(deps, caller(), path.delegation), "revoked", "revoking")

    return api
