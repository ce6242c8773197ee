"""The directory's routes about who was checked before they were invited.

Owns paths, statuses and who may call. Refuses decisions: each route calls one use case and presents its result.
"""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.web import SIGNED_IN, answer, blueprint

from . import shapes, usecases
from .deps import Deps
from .identity_shapes import IdentityAnswer


def routes(deps: Deps) -> APIBlueprint:
    """The blueprint."""
    api = blueprint("identity", __name__, tag="people", security=SIGNED_IN)

    @api.get(
        "/v1/practitioners/<practitioner>/identity", responses={200: IdentityAnswer, **problems.declared(401, 404)}
    )
    def show_identity_check(path: shapes.ByPractitioner) -> Response:
        """How an account's identity was checked, exactly as signed."""
        return answer(IdentityAnswer.of(usecases.identity_check(deps, path.practitioner)))

    return api
