"""The directory's routes about listings: finding colleagues, and keeping one's own entry.

Owns paths, statuses and who may call. Refuses decisions: each route calls one use case and presents its result.
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
from . import listings_shapes as shapes

_OWN = "/v1/practitioners/<practitioner>/listing"


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_finding(deps), _own(deps)]


def _finding(deps: Deps) -> APIBlueprint:
    api = blueprint("finding", __name__, tag="finding", security=SIGNED_IN)

    @api.get("/v1/listings", responses={200: shapes.ListingsAnswer, **problems.declared(401)})
    def find_listings(query: shapes.ListingsQuery) -> Response:
        """Find colleagues, enrolled or not, by what a clinician asks; at most two hundred, the best first."""
        found = usecases.find_listings(deps, caller().organization, query.wanted(), query.cursor, query.limit)
        return answer(shapes.ListingsAnswer.of(found))

    return api


def _own(deps: Deps) -> APIBlueprint:
    api = blueprint("own-listing", __name__, tag="finding", security=SIGNED_IN)

    @api.get(_OWN, responses={200: shapes.OwnListingAnswer, **problems.declared(401, 403, 404)})
    def own_listing(path: ByPractitioner) -> Response:
        """One's own entry, or that of somebody in the administrator's organization."""
        return answer(shapes.OwnListingAnswer.of(usecases.own_listing(deps, caller(), path.practitioner)))

    @api.put(_OWN, responses={200: shapes.OwnListingAnswer, **problems.declared(400, 401, 403, 404, 413, 415)})
    def keep_listing(path: ByPractitioner, body: shapes.OwnListingBody) -> Response:
        """Say what stands in one's own entry, which confirms it."""
        kept = usecases.keep_listing(deps, caller(), path.practitioner, body.said())
        return answer(shapes.OwnListingAnswer.of(kept))

    @api.post(f"{_OWN}/confirmation", responses={200: shapes.OwnListingAnswer, **problems.declared(401, 403, 404)})
    def confirm_listing(path: ByPractitioner) -> Response:
        """Say that one's own entry is right as it stands."""
        return answer(shapes.OwnListingAnswer.of(usecases.confirm_listing(deps, caller(), path.practitioner)))

    return api
