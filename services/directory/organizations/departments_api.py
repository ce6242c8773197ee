"""The routes of departments.

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


def routes(deps: Deps) -> APIBlueprint:
    """The blueprint."""
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
