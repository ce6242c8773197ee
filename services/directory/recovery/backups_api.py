"""The directory's routes about the sealed backup, and about the way back by a recovery code.

Owns paths, statuses and who may call: whoever recovers has no device, and shows the credential of the code. Refuses
decisions: each route calls one use case and presents its result.
"""

from __future__ import annotations

from concord_formats.signatures import from_base64url
from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import caller
from services.chassis.guesses import client_address, network_of
from services.chassis.web import SIGNED_IN, answer, blueprint

from .. import usecases
from ..deps import Deps
from ..devices_shapes import MAX_BODY_BYTES
from ..shapes import RecordedAnswer
from . import backups_shapes as shapes


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_backups(deps), _recoveries(deps)]


def _backups(deps: Deps) -> APIBlueprint:
    api = blueprint("backups", __name__, tag="recovery", security=SIGNED_IN, put_max_bytes=MAX_BODY_BYTES)

    @api.put(
        "/v1/backup",
        responses={200: shapes.GenerationAnswer, **problems.declared(400, 401, 403, 409, 413, 415)},
    )
    def store_backup(body: shapes.BackupBody) -> Response:
        """Put a backup of a later generation in the place of the one before."""
        sealed = from_base64url(body.backup)
        stored = usecases.store_backup(deps, caller(), sealed, body.verifier, body.generation)
        return answer(shapes.GenerationAnswer(generation=stored))

    @api.get("/v1/backup", responses={200: shapes.BackupAnswer, **problems.declared(401, 403, 404)})
    def show_backup() -> Response:
        """What is known of one's own backup: how new it is, and who tried to fetch it."""
        return answer(shapes.BackupAnswer.of(usecases.stored_backup(deps, caller())))

    @api.delete("/v1/backup/failures", responses={204: None, **problems.declared(401, 403)})
    def acknowledge_failures() -> Response:
        """One has read of the wrong tries."""
        usecases.acknowledge_failures(deps, caller())
        return Response(status=204)

    return api


def _recoveries(deps: Deps) -> APIBlueprint:
    api = blueprint("recoveries", __name__, tag="recovery")

    def claim(body: shapes.RecoveryBody) -> usecases.Claim:
        return usecases.Claim(body.account, body.secret(), network_of(client_address(deps.settings)))

    @api.post("/v1/recoveries", responses={200: shapes.RecoveryAnswer, **problems.declared(400, 403, 413, 415, 429)})
    def recover(body: shapes.RecoveryBody) -> Response:
        """The backup of an account, for the credential of its recovery code."""
        return answer(shapes.RecoveryAnswer.of(usecases.fetch_backup(deps, claim(body))))

    @api.post(
        "/v1/recoveries/device",
        responses={201: RecordedAnswer, **problems.declared(400, 403, 409, 413, 415, 429)},
    )
    def recover_device(body: shapes.RecoveryEntryBody) -> Response:
        """Record the entry that adds the device at which somebody recovers."""
        made = usecases.recover_device(deps, claim(body), body.signed())
        return answer(RecordedAnswer(entry=made.entry.n, status="recorded", effective_at=None), 201)

    return api
