"""The routes of departments and teams.

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
from ..shapes import ByOrganization, Page, PractitionerAnswer, PractitionersAnswer
from . import teams_shapes as shapes


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_departments(deps), _teams(deps), _members(deps)]


def _departments(deps: Deps) -> APIBlueprint:
    api = blueprint("departments", __name__, tag="departments", security=SIGNED_IN)
    changed = {204: None, **problems.declared(401, 403, 404)}

    @api.get(
        "/v1/organizations/<organization>/departments",
        responses={200: shapes.DepartmentsAnswer, **problems.declared(401, 404)},
    )
    def list_departments(path: ByOrganization, query: Page) -> Response:
        """The departments of an organization, by name."""
        rows, after = usecases.departments(deps, path.organization, query.cursor, query.limit)
        shown = [shapes.DepartmentAnswer.of(row) for row in rows]
        return answer(shapes.DepartmentsAnswer(departments=shown, next=after))

    @api.post(
        "/v1/departments",
        responses={201: shapes.DepartmentAnswer, **problems.declared(400, 401, 403, 409, 415)},
    )
    def add_department(body: shapes.DepartmentRequest) -> Response:
        """Add a department to the caller's own organization; for administrators."""
        return answer(shapes.DepartmentAnswer.of(usecases.add_department(deps, caller(), body.name)), 201)

    @api.delete("/v1/departments/<department>", responses=changed)
    def remove_department(path: shapes.ByDepartment) -> Response:
        """End a department; its teams go on without one. For administrators."""
        usecases.remove_department(deps, caller(), path.department)
        return Response(status=204)

    @api.get(
        "/v1/departments/<department>/members", responses={200: PractitionersAnswer, **problems.declared(401, 404)}
    )
    def list_department(path: shapes.ByDepartment, query: Page) -> Response:
        """Who works in a department, by name."""
        rows, after = usecases.department_members(deps, path.department, query.cursor, query.limit)
        return answer(PractitionersAnswer(practitioners=[PractitionerAnswer.of(row) for row in rows], next=after))

    @api.put(
        "/v1/departments/<department>/members/<practitioner>",
        responses={204: None, **problems.declared(401, 403, 404, 409)},
    )
    def join_department(path: shapes.ByDepartmentMember) -> Response:
        """Somebody of the organization works in a department; for administrators."""
        usecases.join_department(deps, caller(), path.department, path.practitioner)
        return Response(status=204)

    @api.delete("/v1/departments/<department>/members/<practitioner>", responses=changed)
    def leave_department(path: shapes.ByDepartmentMember) -> Response:
        """Somebody works there no more; for administrators."""
        usecases.leave_department(deps, caller(), path.department, path.practitioner)
        return Response(status=204)

    return api


def _teams(deps: Deps) -> APIBlueprint:
    api = blueprint("teams", __name__, tag="teams", security=SIGNED_IN)

    @api.get("/v1/teams", responses={200: shapes.TeamsAnswer, **problems.declared(401)})
    def find_teams(query: shapes.TeamsQuery) -> Response:
        """Find active teams by organization and by a part of the name."""
        wanted = usecases.WantedTeam(query.organization, query.name)
        rows, after = usecases.find_teams(deps, wanted, query.cursor, query.limit)
        return answer(shapes.TeamsAnswer(teams=[shapes.TeamAnswer.of(row) for row in rows], next=after))

    @api.get("/v1/teams/<team>", responses={200: shapes.TeamAnswer, **problems.declared(401, 404)})
    def show_team(path: shapes.ByTeam) -> Response:
        """One team, also one that is closed, and who is a member now."""
        return answer(shapes.TeamAnswer.of(usecases.show_team(deps, path.team)))

    @api.post("/v1/teams", responses={201: shapes.TeamAnswer, **problems.declared(400, 401, 403, 409, 415)})
    def create_team(body: shapes.TeamRequest) -> Response:
        """Make a team in the caller's own organization, without members yet; for administrators."""
        return answer(shapes.TeamAnswer.of(usecases.create_team(deps, caller(), body.name, body.department)), 201)

    @api.post(
        "/v1/teams/<team>/closing",
        responses={200: shapes.EndedAnswer, 202: shapes.EndedAnswer, **problems.declared(401, 403, 404)},
    )
    def close_team(path: shapes.ByTeam) -> Response:
        """End a team and every membership of it; 200 once that holds everywhere, 202 until then. Repeat to wait."""
        return ended(usecases.close_team(deps, caller(), path.team), "closed", "closing")

    return api


def _members(deps: Deps) -> APIBlueprint:
    api = blueprint("team-members", __name__, tag="teams", security=SIGNED_IN)

    @api.put(
        "/v1/teams/<team>/members/<practitioner>",
        responses={200: shapes.TeamAnswer, **problems.declared(401, 403, 404, 409)},
    )
    def add_member(path: shapes.ByTeamMember) -> Response:
        """Make somebody of the organization a member; for administrators."""
        return answer(shapes.TeamAnswer.of(usecases.add_team_member(deps, caller(), path.team, path.practitioner)))

    @api.delete(
        "/v1/teams/<team>/members/<practitioner>",
        responses={200: shapes.EndedAnswer, 202: shapes.EndedAnswer, **problems.declared(401, 403, 404)},
    )
    def remove_member(path: shapes.ByTeamMember) -> Response:
        """End a membership, one's own or as an administrator; 200 once nothing that is sent to the team can be handed
        out to them any more, 202 until then. Repeat to wait.
        """
        return ended(usecases.remove_team_member(deps, caller(), path.team, path.practitioner), "removed", "removing")

    return api


def ended(stopped: usecases.Stopped, done: str, doing: str) -> Response:
    """200 and `done`, or 202 and `doing` while it does not hold everywhere."""
    if stopped.effective_at is None:
        return answer(shapes.EndedAnswer(status=doing, effective_at=None), 202)
    return answer(shapes.EndedAnswer(status=done, effective_at=stopped.effective_at))
