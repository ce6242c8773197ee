"""The routes of recovery cases.

Owns paths, statuses and who may call: an administrator or the owner by their device, the person without one by the
secret of the case's code. Refuses decisions: each route parses, calls one use case and presents its result.
"""

from __future__ import annotations

from concord_formats.key_entries import SignedEntry, read_entry
from concord_formats.signatures import HybridPublicKey
from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import caller
from services.chassis.web import SIGNED_IN, answer, blueprint

from .. import usecases
from ..deps import Deps
from ..models import RecoveryCase
from ..shapes import EntryAnswer
from . import recovery_case_shapes as shapes


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_signed_in(deps), _by_code(deps)]


def _signed_in(deps: Deps) -> APIBlueprint:
    api = blueprint("recovery_cases", __name__, tag="recovery cases", security=SIGNED_IN)

    @api.post(
        "/v1/recovery-cases",
        responses={201: shapes.OpenedAnswer, **problems.declared(400, 401, 403, 404, 409, 415)},
    )
    def open_case(body: shapes.CaseRequest) -> Response:
        """Open a case for somebody of one's organization who has lost every device; for another administrator's too."""
        made = usecases.open_recovery(deps, caller(), body.practitioner)
        return answer(shapes.OpenedAnswer(case=made.case, code=made.code, expires_at=made.expires_at), 201)

    @api.get("/v1/recovery-cases", responses={200: shapes.CasesAnswer, **problems.declared(401, 403)})
    def list_cases() -> Response:
        """The cases of one's organization, for an administrator; else those of one's own account."""
        found = [shapes.CaseAnswer.of(row) for row in usecases.recovery_cases(deps, caller())]
        return answer(shapes.CasesAnswer(cases=found))

    @api.post(
        "/v1/recovery-cases/<case>/attestations",
        responses={200: shapes.CaseAnswer, **problems.declared(400, 401, 403, 404, 409, 415)},
    )
    def attest(path: shapes.ByCase, body: shapes.AttestationBody) -> Response:
        """Vouch, signed, for the keys that wait; with the second administrator's word the delay begins."""
        return answer(shapes.CaseAnswer.of(usecases.attest_recovery(deps, caller(), path.case, body.signed())))

    @api.delete(
        "/v1/recovery-cases/<case>", responses={200: shapes.CaseAnswer, **problems.declared(401, 403, 404, 409)}
    )
    def refuse(path: shapes.ByCase) -> Response:
        """Stop a case: the account's owner from any device in force, or an administrator."""
        return answer(shapes.CaseAnswer.of(usecases.refuse_recovery(deps, caller(), path.case)))

    return api


def _by_code(deps: Deps) -> APIBlueprint:
    api = blueprint("recovery_by_code", __name__, tag="recovery cases")

    @api.post(
        "/v1/recovery-cases/<case>/history",
        responses={200: shapes.CaseHistoryAnswer, **problems.declared(400, 403, 409, 415)},
    )
    def history(path: shapes.ByCase, body: shapes.SecretBody) -> Response:
        """By the secret of the code: the key history that the new keys go on from, and where the case stands."""
        row, entries = usecases.opened_recovery(deps, path.case, body.secret)
        shown = shapes.CaseHistoryAnswer(
            practitioner=row.practitioner_id,
            state=shapes.state_of(row),
            effective_from=row.effective_from,
            entries=[EntryAnswer.of(signed) for signed in entries],
        )
        return answer(shown)

    @api.post(
        "/v1/recovery-cases/<case>/entry",
        responses={200: shapes.WaitingAnswer, **problems.declared(400, 403, 409, 415)},
    )
    def enter(path: shapes.ByCase, body: shapes.CaseEntryRequest) -> Response:
        """By the secret of the code: new keys, whose entry waits until two administrators have attested to them."""
        signed = body.signed()
        row = usecases.enter_recovery(deps, path.case, body.secret, signed)
        return answer(shapes.WaitingAnswer(fingerprint=_fingerprint(signed), state=shapes.state_of(row)))

    @api.post(
        "/v1/recovery-cases/<case>/completion",
        responses={200: shapes.CompletionAnswer, 202: shapes.CompletionAnswer, **problems.declared(400, 403, 409, 415)},
    )
    def complete(path: shapes.ByCase, body: shapes.SecretBody) -> Response:
        """By the secret of the code: the new keys come in force, once the delay is over; 202 until then."""
        done = usecases.complete_recovery(deps, path.case, body.secret)
        shown = _completion(done)
        return answer(shown, 200 if shown.state == "completed" else 202)

    return api


def _fingerprint(signed: SignedEntry) -> str:
    return HybridPublicKey.decode(read_entry(signed).identity).fingerprint()


def _completion(done: usecases.Completed) -> shapes.CompletionAnswer:
    at = done.stopped.effective_at if done.stopped else None
    return shapes.CompletionAnswer(
        state=_progress(done.case, done),
        effective_from=done.effective_from,
        entry=done.case.entry_n if done.stopped else None,
        effective_at=at,
    )


def _progress(row: RecoveryCase, done: usecases.Completed) -> shapes.Progress:
    if done.stopped is not None:
        return "revoking" if done.stopped.effective_at is None else "completed"
    told = shapes.state_of(row)
    return "announced" if told not in ("opened", "entered", "attested") else told
