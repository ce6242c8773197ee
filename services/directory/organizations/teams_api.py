"""The routes of teams.

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
from . import teams_shapes as shapes


def routes(deps: Deps) -> list[APIBlueprint]:
    """Every blueprint of this module."""
    return [_teams(deps), _members(deps)]


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
