"""The directory's routes about one's own devices: the list, transfers, pairings.

Owns paths, statuses and who may call: a device that joins has not signed in, and shows the pairing's credential.
Refuses decisions: each route calls one use case and presents its result.
"""

from __future__ import annotations

from concord_formats.signatures import from_base64url, to_base64url
from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import caller
from services.chassis.web import SIGNED_IN, answer, blueprint

from . import devices_shapes as shapes
from . import usecases
from .deps import Deps
from .shapes import ByDevice


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_devices(deps), _pairings(deps), _joining(deps)]


def _devices(deps: Deps) -> APIBlueprint:
    api = blueprint("devices", __name__, tag="devices", security=SIGNED_IN, put_max_bytes=shapes.MAX_BODY_BYTES)

    @api.get("/v1/devices", responses={200: shapes.DevicesAnswer, **problems.declared(401, 403)})
    def list_devices() -> Response:
        """One's own devices."""
        return answer(shapes.DevicesAnswer.of(usecases.devices(deps, caller())))

    @api.put(
        "/v1/devices/<device>/transfer",
        responses={204: None, **problems.declared(400, 401, 403, 404, 413, 415)},
    )
    def leave_transfer(path: ByDevice, body: shapes.TransferBody) -> Response:
        """Leave something sealed for another device of one's own, in the place of what was left before."""
        usecases.leave_transfer(deps, caller(), path.device, from_base64url(body.transfer))
        return Response(status=204)

    @api.get("/v1/devices/self/transfer", responses={200: shapes.TransferAnswer, **problems.declared(401, 403)})
    def waiting_transfer() -> Response:
        """What was left for this device."""
        return answer(shapes.TransferAnswer.of(usecases.waiting_transfer(deps, caller())))

    @api.delete("/v1/devices/self/transfer", responses={204: None, **problems.declared(401, 403)})
    def take_transfer(query: shapes.TakenQuery) -> Response:
        """What was left for this device is kept there, and not needed here any more."""
        usecases.transfer_taken(deps, caller(), query.digest)
        return Response(status=204)

    return api


def _pairings(deps: Deps) -> APIBlueprint:
    api = blueprint("pairings", __name__, tag="devices", security=SIGNED_IN, put_max_bytes=shapes.MAX_BODY_BYTES)

    @api.post("/v1/pairings", responses={201: shapes.OpenedAnswer, **problems.declared(400, 401, 403, 409, 413, 415)})
    def open_pairing(body: shapes.OpenPairing) -> Response:
        """Wait ten minutes for a further device."""
        row = usecases.open_pairing(deps, caller(), body.verifier)
        return answer(shapes.OpenedAnswer(pairing=row.id, expires_at=row.expires_at), 201)

    @api.get("/v1/pairings/<pairing>", responses={200: shapes.PairingAnswer, **problems.declared(401, 403, 404)})
    def show_pairing(path: shapes.ByPairing) -> Response:
        """Where a pairing stands, and what the device that joins has put."""
        return answer(shapes.PairingAnswer.of(usecases.show_pairing(deps, caller(), path.pairing)))

    @api.delete("/v1/pairings/<pairing>", responses={204: None, **problems.declared(401, 403)})
    def give_up_pairing(path: shapes.ByPairing) -> Response:
        """Wait no longer."""
        usecases.give_up_pairing(deps, caller(), path.pairing)
        return Response(status=204)

    @api.put(
        "/v1/pairings/<pairing>/answer",
        responses={204: None, **problems.declared(400, 401, 403, 404, 409, 413, 415)},
    )
    def answer_pairing(path: shapes.ByPairing, body: shapes.AnswerBody) -> Response:
        """Answer the request, once."""
        usecases.answer_pairing(deps, caller(), path.pairing, from_base64url(body.answer))
        return Response(status=204)

    return api


def _joining(deps: Deps) -> APIBlueprint:
    api = blueprint("joining-device", __name__, tag="devices")

    @api.put("/v1/pairings/<pairing>/request", responses={204: None, **problems.declared(400, 404, 409, 413, 415)})
    def request_pairing(path: shapes.ByPairing, body: shapes.PairingRequest) -> Response:
        """The joining device says what it is, once."""
        usecases.request_pairing(deps, path.pairing, body.secret(), from_base64url(body.request))
        return Response(status=204)

    taken = {200: shapes.TakenAnswer, 202: shapes.TakenAnswer, **problems.declared(400, 404, 413, 415)}

    @api.post("/v1/pairings/<pairing>/answer", responses=taken)
    def take_answer(path: shapes.ByPairing, body: shapes.CredentialBody) -> Response:
        """What the joining device gets; 202 while nothing is there."""
        sealed = usecases.take_answer(deps, path.pairing, body.secret())
        if sealed is None:
            return answer(shapes.TakenAnswer(answer=None), 202)
        return answer(shapes.TakenAnswer(answer=to_base64url(sealed)))

    return api
