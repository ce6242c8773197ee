"""The directory's routes: people, organizations, keys, standing.

Owns paths, statuses and who may call. Refuses decisions: each route parses, calls one use case and presents its result.
"""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint

from services.chassis import problems
from services.chassis.auth import caller
from services.chassis.service_auth import require_service
from services.chassis.web import SERVICE_ONLY, SIGNED_IN, answer, blueprint

from . import shapes, usecases
from .deps import Deps
from .organizations.delegations_shapes import ByDelegation, DelegationStandingAnswer


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_people(deps), _joining(deps), _keys(deps), _standing(deps), _parties(deps)]


def _people(deps: Deps) -> APIBlueprint:
    api = blueprint("people", __name__, tag="people", security=SIGNED_IN)

    @api.get("/v1/practitioners", responses={200: shapes.PractitionersAnswer, **problems.declared(401)})
    def find_practitioners(query: shapes.PractitionersQuery) -> Response:
        """Find accounts by NPI, by a part of the name, by organization."""
        wanted = usecases.Wanted(query.npi, query.name, query.organization)
        rows, after = usecases.find_practitioners(deps, wanted, query.cursor, query.limit, caller().organization)
        found = [shapes.PractitionerAnswer.of(row) for row in rows]
        return answer(shapes.PractitionersAnswer(practitioners=found, next=after))

    @api.get(
        "/v1/practitioners/<practitioner>", responses={200: shapes.PractitionerAnswer, **problems.declared(401, 404)}
    )
    def show_practitioner(path: shapes.ByPractitioner) -> Response:
        """One account."""
        return answer(shapes.PractitionerAnswer.of(usecases.practitioner(deps, path.practitioner)))

    @api.get("/v1/organizations", responses={200: shapes.OrganizationsAnswer, **problems.declared(401)})
    def find_organizations(query: shapes.OrganizationsQuery) -> Response:
        """Find organizations by a part of the name."""
        rows, after = usecases.find_organizations(deps, query.name, query.cursor, query.limit)
        found = [shapes.OrganizationAnswer.of(row) for row in rows]
        return answer(shapes.OrganizationsAnswer(organizations=found, next=after))

    @api.get(
        "/v1/organizations/<organization>", responses={200: shapes.OrganizationAnswer, **problems.declared(401, 404)}
    )
    def show_organization(path: shapes.ByOrganization) -> Response:
        """One organization."""
        return answer(shapes.OrganizationAnswer.of(usecases.organization(deps, path.organization)))

    @api.post(
        "/v1/invitations",
        responses={201: shapes.InvitationAnswer, **problems.declared(400, 401, 403, 409, 415)},
    )
    def invite(body: shapes.InvitationRequest) -> Response:
        """Invite a person whose identity was checked to the caller's own organization; for administrators."""
        person = usecases.Person(body.role, body.name, body.npi, body.taxonomy, body.look_alike)
        made = usecases.invite(deps, caller(), person, body.identity.signed())
        shown = shapes.InvitationAnswer(practitioner=made.practitioner, code=made.code, expires_at=made.expires_at)
        return answer(shown, 201)

    return api


def _joining(deps: Deps) -> APIBlueprint:
    api = blueprint("joining", __name__, tag="joining")

    @api.post("/v1/enrolments", responses={201: shapes.PractitionerAnswer, **problems.declared(400, 403, 409, 415)})
    def enrol(body: shapes.EnrolmentRequest) -> Response:
        """Use an invitation; the first key entry makes the account active."""
        row = usecases.enrol(deps, body.practitioner, body.secret, body.signed())
        return answer(shapes.PractitionerAnswer.of(row), 201)

    return api


def _keys(deps: Deps) -> APIBlueprint:
    api = blueprint("keys", __name__, tag="keys", security=SIGNED_IN)

    @api.get(
        "/v1/practitioners/<practitioner>/keys", responses={200: shapes.HistoryAnswer, **problems.declared(401, 404)}
    )
    def key_history(path: shapes.ByPractitioner) -> Response:
        """The key history of an account, exactly as signed."""
        entries = usecases.key_history(deps, path.practitioner)
        bindings = usecases.key_bindings(deps, path.practitioner, len(entries))
        shown = [shapes.EntryAnswer.of(signed) for signed in entries]
        attested = usecases.recovery_attestations(deps, path.practitioner)
        signed_by = {n: [shapes.AttestationAnswer.of(each) for each in two] for n, two in attested.items()}
        return answer(shapes.HistoryAnswer(entries=shown, bindings=bindings, attestations=signed_by))

    @api.post(
        "/v1/practitioners/<practitioner>/keys",
        responses={
            201: shapes.RecordedAnswer,
            202: shapes.RecordedAnswer,
            **problems.declared(400, 401, 403, 404, 409, 415),
        },
    )
    def append_keys(path: shapes.ByPractitioner, body: shapes.SignedEntryBody) -> Response:
        """Record the next entry of one's own history; 202 while a revoked device is not stopped everywhere yet."""
        made = usecases.append_keys(deps, caller(), path.practitioner, body.signed())
        at = made.stopped.effective_at if made.stopped else None
        waiting = made.stopped is not None and at is None
        status = "revoking" if waiting else "recorded"
        shown = shapes.RecordedAnswer(entry=made.entry.n, status=status, effective_at=at)
        return answer(shown, 202 if waiting else 201)

    return api


def _standing(deps: Deps) -> APIBlueprint:
    api = blueprint("standing", __name__, tag="standing", security=SIGNED_IN)
    stopping = {
        200: shapes.StandingAnswer,
        202: shapes.StandingAnswer,
        **problems.declared(401, 403, 404, 409),
    }

    @api.post("/v1/practitioners/<practitioner>/suspension", responses=stopping)
    def suspend(path: shapes.ByPractitioner) -> Response:
        """Stop an account; 200 once no release to or from it can happen any more, 202 until then. Repeat to wait."""
        return _stopped(usecases.suspend(deps, caller(), path.practitioner), "suspended", "suspending")

    @api.delete(
        "/v1/practitioners/<practitioner>/suspension",
        responses={200: shapes.StandingAnswer, **problems.declared(401, 403, 404, 409)},
    )
    def reinstate(path: shapes.ByPractitioner) -> Response:
        """End a suspension."""
        usecases.reinstate(deps, caller(), path.practitioner)
        return answer(shapes.StandingAnswer(status="active", effective_at=deps.clock.now()))

    @api.post("/v1/devices/<device>/revocation", responses=stopping)
    def revoke_device(path: shapes.ByDevice) -> Response:
        """Stop a lost device; 200 once nothing is handed out to it any more, 202 until then. Repeat to wait."""
        return _stopped(usecases.revoke_device(deps, caller(), path.device), "revoked", "revoking")

    return api


def _parties(deps: Deps) -> APIBlueprint:
    api = blueprint("parties", __name__, tag="parties", security=SERVICE_ONLY)

    @api.get("/v1/parties/<kind>/<id>", responses={200: shapes.PartyAnswer, **problems.declared(401, 403, 404)})
    @require_service("consent", "messaging")
    def show_party(path: shapes.ByParty) -> Response:
        """Whether a party exists, and where it stands; for services."""
        return answer(shapes.PartyAnswer.of(usecases.party(deps, path.kind, path.id)))

    @api.get(
        "/v1/service/delegations/<delegation>",
        responses={200: DelegationStandingAnswer, **problems.declared(401, 403, 404)},
    )
    @require_service("consent")
    def show_delegation_standing(path: ByDelegation) -> Response:
        """Whether somebody may write in somebody's name just now; for services."""
        found = usecases.delegation_standing(deps, path.delegation)
        return answer(DelegationStandingAnswer(**vars(found)))

    return api


def _stopped(stopped: usecases.Stopped, done: str, doing: str) -> Response:
    if stopped.effective_at is None:
        return answer(shapes.StandingAnswer(status=doing, effective_at=None), 202)
    return answer(shapes.StandingAnswer(status=done, effective_at=stopped.effective_at))
