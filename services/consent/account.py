"""The account of disclosures: what messaging did about each patient, kept as it was told.

Owns the recording and the reading of the account (45 CFR 164.528; 42 CFR 2.25 and 2.31). It is the numbered projection
of messaging's own: line n of a patient is recorded after line n-1, together with its leaf in the log, or not at all.
Refuses to skip, to reorder and to change a line, and to ask whether the consent is known: what happened is kept even
when it should not have. Specified in `spec/account.md`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from concord_formats.account import SALT_BYTES, leaf_data
from concord_formats.address import PatientToken
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.event import Event, EventError
from services.chassis.inbox import Handler

from . import account_log, records, refusals
from .changes import check_standing
from .deps import Collaborators
from .events import ACCOUNTED
from .models import AccountGapRow, AccountLeafRow, AccountLogRow, DisclosureRow
from .rules.lifecycle import Deed
from .rules.sight import REFUSED
from .rules.standing import Member

# A word of the vocabulary or of a refusal. The lists themselves are not checked here: a line of the account is never
# refused for them.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Words = Annotated[list[Word], Field(max_length=64)]
# Messaging's are below 2 KiB. The bound keeps one event from filling the answers of everybody who exports.
MAX_LINE_BYTES = 16 * 1024


class ContradictionError(RuntimeError):
    """Another line stands under this number, or this event under another: one of the two services is wrong.

    `patient` and `n` name the line that stands. Nothing is overwritten.
    """

    def __init__(self, patient: str, n: int) -> None:
        super().__init__("another line stands under this number")
        self.patient = patient
        self.n = n


class LetterFact(BaseModel):
    """What an event of messaging says of a letter and one recipient.

    Members that a newer messaging adds are left alone. An event without a number is of a messaging that did not count
    yet.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    letter: UUID
    consent: UUID
    consent_version: Annotated[int, Field(ge=1, le=1_000_000)]
    sender: UUID
    recipient: UUID
    purpose: Word
    information: Words
    sensitivity: Words
    at: AwareDatetime
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    patient: PatientToken | None = None
    n: Annotated[int, Field(ge=1, le=2**62, strict=True)] | None = None
    basis: Literal["consent", "emergency"] | None = None
    label_reason: Word | None = None
    notice: bool | None = None
    sender_organization: UUID | None = None

    @model_validator(mode="after")
    def _a_number_is_a_patients(self) -> LetterFact:
        if self.n is not None and self.patient is None:
            raise ValueError("a number needs its patient")
        return self


def record(session: Session, event: Event) -> None:
    """Add one line to the account, if it is the next of its patient.

    A repeated event adds none; one that comes too early is dropped, and the gap before it noted. Raises
    `ContradictionError`, and pydantic's `ValidationError` for an event that says nothing.
    """
    fact = LetterFact.model_validate(event.data)
    if fact.patient is None or fact.n is None:
        _record_unnumbered(session, event, fact)
        return
    body = event.encode()
    if len(body) > MAX_LINE_BYTES:
        raise ValueError("a line of the account is too long")
    recording = _Recording.of(session)
    if recording.stands(event, fact.patient, fact.n, body):
        return
    if fact.n > recording.last(fact.patient) + 1:
        _note_gap(session, fact.patient)
        return
    recording.add(event, fact, fact.patient, fact.n, body)


HANDLERS: Mapping[str, Handler] = dict.fromkeys(ACCOUNTED, record)


def last(session: Session, patient: str) -> int:
    """The number of the last recorded line of a patient, erased ones among them; 0: there is none."""
    return session.scalar(select(func.max(AccountLeafRow.n)).where(AccountLeafRow.patient == patient)) or 0


def erase(session: Session, patient: str, n: int, at: datetime) -> None:
    """Forget a line that need not be kept any more: its event and its salt go, its leaf stays and tells nothing.

    Raises LookupError when there is no such line.
    """
    line = (AccountLeafRow.patient == patient, AccountLeafRow.n == n, AccountLeafRow.erased_at.is_(None))
    place = session.scalar(update(AccountLeafRow).where(*line).values(erased_at=at).returning(AccountLeafRow.place))
    if place is None:
        raise LookupError("no such line")
    session.execute(delete(DisclosureRow).where(DisclosureRow.leaf == place))


def page(with_: Collaborators, member: Member, consent: UUID, after: int, limit: int) -> list[DisclosureRow]:
    """Lines of a consent's account, oldest first, to a party, of refusals those of its own side.

    Raises problem 404.
    """
    with with_.database.transaction() as session:
        row = records.find(session, consent)
        if row is None:
            raise refusals.no_such_consent()
        check_standing(member, Deed.ACCOUNT, row, row.versions[-1])
        lines = select(DisclosureRow).where(DisclosureRow.consent == consent, DisclosureRow.id > after, read_by(member))
        return list(session.scalars(lines.order_by(DisclosureRow.id).limit(limit)))


@dataclass(frozen=True)
class Claims:
    """What a line says beside its two people: in whose name the letter was sent, and to which team."""

    on_behalf_of: UUID | None = None
    team: UUID | None = None

    @classmethod
    def of(cls, row: DisclosureRow) -> Claims:
        """Those of a line, read from the event itself: most lines have none, and nothing is looked up by them. What
        cannot be read is not shown, and keeps no line from being shown.
        """
        try:
            data = Event.decode(row.body).data if row.body is not None else {}
            return cls(*(UUID(data[name]) if name in data else None for name in ("on_behalf_of", "team")))
        except (EventError, ValueError, TypeError, AttributeError):
            return cls()


def read_by(member: Member) -> ColumnElement[bool]:
    """As `rules.sight.sees`, for a query."""
    sent = (DisclosureRow.sender == member.practitioner, DisclosureRow.sender_organization == member.organization)
    return or_(DisclosureRow.event != REFUSED, *sent)


def _record_unnumbered(session: Session, event: Event, fact: LetterFact) -> None:
    if session.scalars(select(DisclosureRow.id).where(DisclosureRow.event_id == event.id)).first() is None:
        session.add(DisclosureRow(event_id=event.id, event=ACCOUNTED[event.type], **fact.model_dump()))


@dataclass
class _Recording:
    """What one transaction records, which holds the lock on the log: nobody else does meanwhile.

    Rows are written at its end, many of a kind at once; what was looked up is remembered until then.
    """

    session: Session
    log: AccountLogRow
    lasts: dict[str, int] = field(default_factory=dict)
    ids: set[UUID] = field(default_factory=set)

    @classmethod
    def of(cls, session: Session) -> _Recording:
        """That of a session, which lasts for one transaction. Of two recorders one waits here, and then sees all that
        the other did.
        """
        if _Recording not in session.info:
            session.info[_Recording] = cls(session, account_log.lock(session))
        found: _Recording = session.info[_Recording]
        return found

    def last(self, patient: str) -> int:
        """The number of the last line of a patient, as of now."""
        if patient not in self.lasts:
            with self.session.no_autoflush:  # nothing of this patient was added yet
                self.lasts[patient] = last(self.session, patient)
        return self.lasts[patient]

    def stands(self, event: Event, patient: str, n: int, body: bytes) -> bool:
        """Whether this very line is recorded already; of an erased one nothing is left to compare with.

        Raises `ContradictionError` when another one is in its place, or the event in another.
        """
        if n > self.last(patient) and event.id not in self.ids and not self._is_known(event.id):
            return False
        same = or_(DisclosureRow.event_id == event.id, and_(DisclosureRow.patient == patient, DisclosureRow.n == n))
        rows = self.session.scalars(select(DisclosureRow).where(same)).all()
        if any((row.patient, row.n, row.body) != (patient, n, body) for row in rows):
            raise ContradictionError(patient, n)
        return True

    def add(self, event: Event, fact: LetterFact, patient: str, n: int, body: bytes) -> None:
        """Add the next line of a patient, and its leaf."""
        salt = secrets.token_bytes(SALT_BYTES)
        leaf = account_log.append(self.session, self.log, patient, n, leaf_data(salt, body))
        more = {"leaf_row": leaf, "salt": salt, "body": body}
        self.session.add(DisclosureRow(event_id=event.id, event=ACCOUNTED[event.type], **fact.model_dump(), **more))
        self.lasts[patient] = n
        self.ids.add(event.id)

    def _is_known(self, event_id: UUID) -> bool:
        with self.session.no_autoflush:  # those that this transaction added are in `ids`
            return self.session.scalar(_KNOWN, {"event": event_id}) is not None


_KNOWN = select(DisclosureRow.id).where(DisclosureRow.event_id == bindparam("event"))


def _note_gap(session: Session, patient: str) -> None:
    insert = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(AccountGapRow).values(patient=patient).on_conflict_do_nothing())
