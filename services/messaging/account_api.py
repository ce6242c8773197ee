"""The account of disclosures over HTTP, for the consent service: what the bus lost, asked for again.

Owns the two routes. Refuses everybody but the consent service, which decides who may read a line.
"""

from __future__ import annotations

from typing import Annotated

from concord_formats.address import PatientToken
from flask import Response
from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.chassis.problems import declared
from services.chassis.service_auth import require_service
from services.chassis.web import SERVICE_ONLY, Answer, answer
from services.chassis.web import blueprint as make_blueprint

from .account import Replay
from .shapes import MAX_PLACE

# A line is below 4 KiB, so a full page stays well below a megabyte.
MAX_LINES = 200
MAX_COUNTS = 1000


class LinesQuery(BaseModel):
    """Whose lines, after which number."""

    model_config = ConfigDict(extra="forbid")

    patient: PatientToken
    after: Annotated[int, Field(ge=0, le=MAX_PLACE)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LINES)] = MAX_LINES


class CountsQuery(BaseModel):
    """After which token, in the order of tokens; nothing: from the beginning."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[str, StringConstraints(pattern=r"^[a-z2-7_]{0,40}$")] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_COUNTS)] = MAX_COUNTS


class LineAnswer(Answer):
    """One line: `event` is the exact text of its event."""

    n: int
    event: str


class LinesAnswer(Answer):
    """Lines in their order. `last` is the number of the last line that there is."""

    lines: list[LineAnswer]
    last: int


class CountAnswer(Answer):
    """How many lines a patient's account has: their numbers are 1 to `last`."""

    patient: str
    last: int


class CountsAnswer(Answer):
    """Counts in the order of tokens; none: the end was reached before."""

    counts: list[CountAnswer]


def blueprint(replay: Replay) -> APIBlueprint:
    """The routes of the account."""
    routes = make_blueprint("account", __name__, tag="account", security=SERVICE_ONLY)

    @routes.get("/v1/service/disclosures", responses={"200": LinesAnswer, **declared(401, 403, 503)})
    @require_service("consent")
    def lines(query: LinesQuery) -> Response:
        """A patient's lines after a number, as they were told."""
        found, last = replay.lines(query.patient, query.after, query.limit)
        return answer(LinesAnswer(lines=[LineAnswer(n=each.n, event=each.event) for each in found], last=last))

    @routes.get("/v1/service/disclosure-counts", responses={"200": CountsAnswer, **declared(401, 403, 503)})
    @require_service("consent")
    def counts(query: CountsQuery) -> Response:
        """How many lines each patient's account has."""
        found = replay.counts(query.after, query.limit)
        return answer(CountsAnswer(counts=[CountAnswer(patient=each.patient, last=each.last) for each in found]))

    return routes
