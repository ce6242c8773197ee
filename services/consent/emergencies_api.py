"""The addresses of emergencies and notices: parse, call a use case, present.

Owns these routes and their shapes. Refuses logic, and the nature of an emergency in the clear.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import Information, Sensitivity
from flask import Response
from pydantic import ConfigDict, Field, StringConstraints

from services.chassis.auth import caller
from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import declared, invalid_field
from services.chassis.web import SIGNED_IN, Answer, Body, answer, blueprint

from . import emergencies, notices, present
from .emergencies import Declaration, Declared
from .rules.emergency import Outcome
from .shapes import MAX_WORDS, ConsentAnswer, ConsentPath, PageQuery
from .signed_in import after_age, collaborators, member

# The account of an emergency is a page, not a record: sealed, it stays well below this.
MAX_DOCUMENTATION = 128 * 1024

SEALED: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}

routes = blueprint("emergencies", __name__, tag="Emergencies and notices", security=SIGNED_IN)


class EmergencyBody(Body):
    """What the sender declares; `documentation` is an age file in base64url without padding."""

    patient: PatientToken
    letter: UUID
    recipient: UUID
    information: Annotated[list[Information], Field(min_length=1, max_length=MAX_WORDS)]
    sensitivity: Annotated[list[Sensitivity], Field(min_length=1, max_length=MAX_WORDS)]
    documentation: Annotated[str, StringConstraints(max_length=MAX_DOCUMENTATION * 4 // 3 + 4)]


class ReviewBody(Body):
    """What a reviewer found."""

    outcome: Outcome


class QueueQuery(PageQuery):
    """`state=waiting`: only those that nobody has reviewed."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["waiting", "all"] = "waiting"


class EmergencyAnswer(Answer):
    """One release without consent."""

    consent: UUID
    patient: str
    letter: UUID
    declared_by: UUID
    declared_at: datetime
    recipient: UUID
    information: list[str]
    sensitivity: list[str]
    reviewed_at: datetime | None
    reviewed_by: UUID | None
    outcome: Outcome | None


class EmergenciesAnswer(Answer):
    """A page of the queue."""

    emergencies: list[EmergencyAnswer]
    next: str | None


class NoticeAnswer(Answer):
    """One notice: its kind, the consent and patient token that it is about, and the kind's own facts."""

    kind: str
    consent: UUID
    patient: str
    at: datetime
    facts: dict[str, Any]


class NoticesAnswer(Answer):
    """A page of notices."""

    notices: list[NoticeAnswer]
    next: str | None


@routes.post("/v1/emergencies", responses={201: ConsentAnswer, **declared(400, 401, 403, 415, 503)})
def declare_emergency(body: EmergencyBody) -> Response:
    """Declare an emergency for one letter, as its sender (42 CFR 2.51)."""
    said = Declaration(
        body.patient,
        body.letter,
        body.recipient,
        frozenset(body.information),
        frozenset(body.sensitivity),
        _sealed(body.documentation),
    )
    seen = emergencies.declare(collaborators(), member(), said)
    return answer(present.consent(seen, collaborators().clock.now()), 201)


@routes.get("/v1/emergencies", responses={200: EmergenciesAnswer, **declared(401, 403)})
def list_emergencies(query: QueueQuery) -> Response:
    """The emergencies of one's organization, to those who review them."""
    role, after = caller().role, after_age(query.cursor)
    waiting = query.state == "waiting"
    page = emergencies.queue(collaborators(), member(), role, after, query.limit + 1, waiting=waiting)
    shown = page[: query.limit]
    last = shown[-1].emergency if len(page) > query.limit else None
    next_ = encode_cursor([last.declared_at.isoformat(), str(last.consent)]) if last else None
    return answer(EmergenciesAnswer(emergencies=[_emergency(each) for each in shown], next=next_))


@routes.get(
    "/v1/emergencies/<consent>/documentation",
    responses={200: {"description": "The sealed documentation"} | SEALED, **declared(401, 404)},
)
def fetch_documentation(path: ConsentPath) -> Response:
    """What was documented of an emergency, sealed, to its sender and to those who review."""
    sealed = emergencies.documentation(collaborators(), member(), caller().role, path.consent)
    headers = {"Content-Length": str(sealed.size), "ETag": f'"{sealed.sha256}"'}
    return Response(sealed.pieces, headers=headers, content_type="application/octet-stream")


@routes.post("/v1/emergencies/<consent>/review", responses={200: EmergencyAnswer, **declared(400, 401, 403, 404, 415)})
def review_emergency(path: ConsentPath, body: ReviewBody) -> Response:
    """Note what one found, as a reviewer of the sender's organization."""
    found = emergencies.review(collaborators(), member(), caller().role, path.consent, body.outcome)
    return answer(_emergency(found))


@routes.get("/v1/notices", responses={200: NoticesAnswer, **declared(401)})
def list_notices(query: PageQuery) -> Response:
    """What one should know: consents that end soon, emergencies to review."""
    page = notices.page(collaborators(), member(), caller().role, _after(query.cursor), query.limit + 1)
    shown = page[: query.limit]
    next_ = encode_cursor([shown[-1].id]) if len(page) > query.limit else None
    listed = [
        NoticeAnswer(kind=row.kind, consent=row.consent, patient=row.patient, at=row.at, facts=row.facts)
        for row in shown
    ]
    return answer(NoticesAnswer(notices=listed, next=next_))


def _emergency(found: Declared) -> EmergencyAnswer:
    row, consent = found.emergency, found.consent
    version = consent.versions[0]
    assert consent.letter is not None  # noqa: S101 - an emergency has one
    return EmergencyAnswer(
        consent=consent.id,
        patient=consent.patient,
        letter=consent.letter,
        declared_by=row.declared_by,
        declared_at=row.declared_at,
        recipient=consent.recipient_id,
        information=version.information,
        sensitivity=version.sensitivity,
        reviewed_at=row.reviewed_at,
        reviewed_by=row.reviewed_by,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )


def _sealed(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise invalid_field("documentation", "must be base64url without padding") from None


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (number,) = decode_cursor(cursor, [int])
    if not 0 <= int(number) < 2**63:
        raise invalid_field("cursor", "use the `next` of the page before, unchanged")
    return int(number)
