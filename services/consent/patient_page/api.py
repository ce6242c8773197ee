"""The addresses for clinicians: a patient's code, an organization's neutral name.

Owns these routes. Refuses to show a code twice.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from flask import Response
from pydantic import BaseModel, StringConstraints

from services.chassis.auth import caller
from services.chassis.problems import declared
from services.chassis.web import SIGNED_IN, Answer, Body, answer, blueprint

from .. import neutral_names
from ..rules.patient_codes import grouped
from ..signed_in import collaborators, member
from . import codes

routes = blueprint("patient_codes", __name__, tag="The patient's page", security=SIGNED_IN)


class PatientPath(BaseModel):
    """Which patient, by their token."""

    patient: PatientToken


class OrganizationPath(BaseModel):
    """Which organization."""

    organization: UUID


class NeutralNameBody(Body):
    """What the organization is called on its patients' pages; null: by its own name."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None


class CodeAnswer(Answer):
    """The code, once, in groups; and the address of the page that it opens."""

    code: str
    page: str


class NeutralNameAnswer(Answer):
    """As it was set."""

    name: str | None


@routes.post("/v1/patients/<patient>/codes", responses={201: CodeAnswer, **declared(401, 404)})
def issue_code(path: PatientPath) -> Response:
    """A new code for a patient of one's own, for print; the one before opens nothing any more."""
    code = codes.issue(collaborators(), member(), path.patient)
    return answer(CodeAnswer(code=grouped(code), page=f"{collaborators().public_url}/patient"), 201)


@routes.delete("/v1/patients/<patient>/codes", responses={204: None, **declared(401, 404)})
def cancel_code(path: PatientPath) -> Response:
    """Cancel a patient's code, for one who lost it."""
    codes.cancel(collaborators(), member(), path.patient)
    return Response(status=204)


@routes.put(
    "/v1/organizations/<organization>/neutral-name", responses={200: NeutralNameAnswer, **declared(400, 401, 403, 415)}
)
def put_neutral_name(path: OrganizationPath, body: NeutralNameBody) -> Response:
    """Set what one's organization is called on its patients' pages."""
    neutral_names.put(collaborators(), member(), caller().role, path.organization, body.name)
    return answer(NeutralNameAnswer(name=body.name))
