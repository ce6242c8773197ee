"""The routes of coverage.

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
from ..shapes import ByPractitioner
from . import coverage_shapes as shapes

PATH = "/v1/practitioners/<practitioner>/coverage"


def routes(deps: Deps) -> APIBlueprint:
    """The blueprint."""
    api = blueprint("coverage", __name__, tag="coverage", security=SIGNED_IN)

    @api.put(PATH, responses={200: shapes.CoverageAnswer, **problems.declared(400, 401, 403, 404, 415)})
    def put(path: ByPractitioner, body: shapes.CoverageRequest) -> Response:
        """Say who covers while one is away; also an administrator of the organization."""
        absence = (body.covering, body.starts_at, body.ends_at)
        return answer(shapes.CoverageAnswer.of(usecases.set_coverage(deps, caller(), path.practitioner, *absence)))

    @api.get(PATH, responses={200: shapes.CoverageAnswer, **problems.declared(401, 404)})
    def show(path: ByPractitioner) -> Response:
        """Who covers for somebody, now or soon."""
        return answer(shapes.CoverageAnswer.of(usecases.coverage(deps, path.practitioner)))

    @api.delete(PATH, responses={204: None, **problems.declared(401, 403, 404)})
    def clear(path: ByPractitioner) -> Response:
        """Nobody covers any more; also by an administrator of the organization."""
        usecases.clear_coverage(deps, caller(), path.practitioner)
        return Response(status=204)

    return api
