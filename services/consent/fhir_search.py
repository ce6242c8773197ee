"""Searching one's own consents by patient, status and actor, as FHIR R4 names them.

Owns the query's meaning and the page. Refuses consents that the caller is no party to, and to read without bounds: a
page may hold fewer than were asked for, and then still say that there are more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from concord_formats.address import PatientToken
from concord_formats.vocabulary import PartyKind
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, and_, or_

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT

from . import records, texts
from .deps import Collaborators
from .fhir_records import shown
from .models import ConsentRow
from .rules import lifecycle
from .rules.lifecycle import Status
from .rules.standing import Member
from .rules.terms import Party

# Most that one request reads while it looks for a status: what a consent is called depends on the time, so that no
# index finds it.
MOST_READ = 500
_ACTOR = re.compile(r"(Practitioner|Organization)/([0-9a-f-]{36})", re.ASCII)
_KINDS = {"Practitioner": PartyKind.PRACTITIONER, "Organization": PartyKind.ORGANIZATION}
_STATUSES = ("draft", "active", "inactive")


def _read_actor(value: object) -> Party:
    found = _ACTOR.fullmatch(str(value))
    try:
        if found is not None:
            return Party(_KINDS[found[1]], UUID(found[2]))
    except ValueError:
        pass
    raise PydanticCustomError("actor", "must be Practitioner/<id> or Organization/<id>")


def _check_statuses(text: str) -> str:
    if not set(text.split(",")) <= set(_STATUSES):
        raise PydanticCustomError("status", f"must be of these, with commas: {', '.join(_STATUSES)}")
    return text


_Actor = Annotated[
    Party,
    BeforeValidator(_read_actor),
    WithJsonSchema({"type": "string", "pattern": f"^{_ACTOR.pattern}$"}, mode="validation"),
]
_Statuses = Annotated[
    str,
    AfterValidator(_check_statuses),
    WithJsonSchema({"type": "string", "enum": list(_STATUSES)}, mode="validation"),
]


class SearchQuery(BaseModel):
    """What is looked for: all that is said must hold; of several statuses, with commas, one."""

    model_config = ConfigDict(extra="forbid")
    patient: PatientToken | None = None
    status: _Statuses | None = None
    actor: _Actor | None = None
    count: Annotated[int, Field(ge=1, le=MAX_LIMIT, alias="_count")] = DEFAULT_LIMIT
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CURSOR)] | None = None


@dataclass(frozen=True)
class Page:
    """Consents, oldest first, and the last one that was looked at, if there may be more after it."""

    consents: Sequence[ConsentRow]
    after: ConsentRow | None


def search(with_: Collaborators, member: Member, query: SearchQuery, after: tuple[datetime, UUID] | None) -> Page:
    """The caller's consents that the query describes, at most `query.count`, later than `after`."""
    now = with_.clock.now()
    most = query.count if query.status is None else MOST_READ
    with with_.database.transaction() as session:
        rows = records.page_of(session, member, after, most + 1, *_conditions(query))
    looked_at, more = rows[:most], len(rows) > most
    found = [row for row in looked_at if query.status is None or _status(row, now) in query.status.split(",")]
    if len(found) > query.count:
        return Page(found[: query.count], found[query.count - 1])
    return Page(found, looked_at[-1] if more else None)


def _conditions(query: SearchQuery) -> Iterable[ColumnElement[bool]]:
    yield ConsentRow.letter.is_(None)  # an emergency is no consent
    if query.patient is not None:
        yield ConsentRow.patient == query.patient
    if query.actor is not None:
        kind, id_ = query.actor.kind.value, query.actor.id
        yield or_(
            and_(ConsentRow.discloser_kind == kind, ConsentRow.discloser_id == id_),
            and_(ConsentRow.recipient_kind == kind, ConsentRow.recipient_id == id_),
        )


def _status(row: ConsentRow, now: datetime) -> str:
    """As FHIR calls it."""
    version = shown(row)
    status = lifecycle.shown(Status(version.status), texts.text_of(row, version), now)
    return status.value if status in (Status.DRAFT, Status.ACTIVE) else "inactive"
