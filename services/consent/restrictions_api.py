"""The addresses of restrictions, and of coordination that was declined: parse, call a use case, present.

Owns the routes and what each declares. Refuses logic.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from services.chassis.pages import encode_cursor
from services.chassis.problems import declared
from services.chassis.web import SIGNED_IN, answer, blueprint

from . import agreements, declined
from .agreements import Restriction
from .models import DeclinedRow, RestrictionRow
from .restrictions_shapes import (
    AllDeclinedAnswer,
    DeclinedAnswer,
    DeclinedBody,
    DeclinedPath,
    EndBody,
    PatientQuery,
    RestrictionAnswer,
    RestrictionBody,
    RestrictionPath,
    RestrictionsAnswer,
)
from .signed_in import after_age, collaborators, member

restrictions = blueprint("restrictions", __name__, tag="Restrictions", security=SIGNED_IN)


@restrictions.post(
    "/v1/restrictions",
    responses={201: RestrictionAnswer, 202: RestrictionAnswer, **declared(400, 401, 403, 409, 415, 503)},
)
def put_restriction(body: RestrictionBody) -> Response:
    """Agree to withhold what a patient asked for, or put on record that one did not agree.

    202 while it is not yet known to hold everywhere: ask again.
    """
    verb = agreements.agree if body.agreed else agreements.refuse
    return _present(verb(collaborators(), member(), body.asked()), 201)


@restrictions.post(
    "/v1/restrictions/<restriction>/end",
    responses={200: RestrictionAnswer, 202: RestrictionAnswer, **declared(400, 401, 404, 409, 415)},
)
def end_restriction(path: RestrictionPath, body: EndBody) -> Response:
    """End a restriction, as the patient agreed or asked. 202 while that is not yet known to hold everywhere."""
    return _present(agreements.end(collaborators(), member(), path.restriction, body.how), 200)


@restrictions.get("/v1/restrictions", responses={200: RestrictionsAnswer, **declared(401)})
def list_restrictions(query: PatientQuery) -> Response:
    """The restrictions of a patient that are one's own, or one's organization's, oldest first."""
    after = after_age(query.cursor)
    page = agreements.list_own(collaborators(), member(), query.patient, after, query.limit + 1)
    shown = page[: query.limit]
    next_ = _next([each.row for each in page], query.limit)
    return answer(RestrictionsAnswer(restrictions=[RestrictionAnswer.of(each) for each in shown], next=next_))


@restrictions.post("/v1/declined", responses={201: DeclinedAnswer, **declared(400, 401, 415, 503)})
def put_declined(body: DeclinedBody) -> Response:
    """Put on record that a patient declined coordination."""
    return answer(DeclinedAnswer.of(declined.record(collaborators(), member(), body.declining())), 201)


@restrictions.post("/v1/declined/<declined>/withdraw", responses={200: DeclinedAnswer, **declared(401, 404)})
def withdraw_declined(path: DeclinedPath) -> Response:
    """The patient changed their mind."""
    return answer(DeclinedAnswer.of(declined.withdraw(collaborators(), member(), path.declined)))


@restrictions.get("/v1/declined", responses={200: AllDeclinedAnswer, **declared(401)})
def list_declined(query: PatientQuery) -> Response:
    """What one's organization recorded of a patient, oldest first."""
    page = declined.list_own(collaborators(), member(), query.patient, after_age(query.cursor), query.limit + 1)
    shown = [DeclinedAnswer.of(row) for row in page[: query.limit]]
    return answer(AllDeclinedAnswer(declined=shown, next=_next(page, query.limit)))


def _present(made: Restriction, status: int) -> Response:
    return answer(RestrictionAnswer.of(made), status if made.effective_at is not None else 202)


def _next(page: Sequence[RestrictionRow | DeclinedRow], limit: int) -> str | None:
    """The cursor of the next page, of one that was read with `limit + 1`."""
    last = page[limit - 1] if len(page) > limit else None
    return encode_cursor([last.created_at.isoformat(), str(last.id)]) if last else None
