"""Finding and locking consents.

Owns the queries and the order of the locks: the patient's row before any consent's. Refuses to decide and to commit:
whoever opened the transaction does both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from concord_formats.vocabulary import PartyKind
from sqlalchemy import ColumnElement, and_, or_, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .models import ConsentRow, FeedEvent, PatientRow, VersionRow
from .rules.lifecycle import Status
from .rules.standing import Member


@dataclass(frozen=True)
class Seen:
    """A consent as read in one transaction, and since when each version's last change holds at every enforcement
    point.
    """

    consent: ConsentRow
    effective: Mapping[int, datetime | None]


def find(session: Session, consent: UUID) -> ConsentRow | None:
    """One consent with its versions, as it stands."""
    return session.get(ConsentRow, consent)


def lock(session: Session, consent: UUID) -> ConsentRow | None:
    """One consent, locked until the transaction ends: whoever changes any version of it holds this lock first."""
    query = select(ConsentRow).where(ConsentRow.id == consent).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def lock_patient(session: Session, token: str) -> None:
    """Lock what may be disclosed of a patient until the transaction ends. Taken before any lock on a consent."""
    insert = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(PatientRow).values(token=token).on_conflict_do_nothing())
    session.execute(select(PatientRow.token).where(PatientRow.token == token).with_for_update())


def lock_declarer(session: Session, practitioner: UUID) -> None:
    """Let one practitioner's declarations of emergencies take turns, whoever the patients are: they are counted.

    Taken before the patient's lock. On SQLite transactions take turns already.
    """
    if session.connection().dialect.name == "postgresql":
        session.execute(_LOCK_DECLARER, {"declarer": int.from_bytes(practitioner.bytes[:8], "big", signed=True)})


def patient_of(session: Session, consent: UUID) -> str | None:
    """The patient token of a consent, which never changes; None when there is no such consent."""
    return session.scalars(select(ConsentRow.patient).where(ConsentRow.id == consent)).one_or_none()


def of_patient(session: Session, token: str) -> list[ConsentRow]:
    """Every consent of a patient, oldest first."""
    query = select(ConsentRow).where(ConsentRow.patient == token)
    return list(session.scalars(query.order_by(ConsentRow.created_at, ConsentRow.id)))


def lock_in_force(session: Session, token: str) -> list[ConsentRow]:
    """Every consent of a patient with a version in force, each locked, in the order of their ids.

    The patient is locked before: no other comes into force meanwhile.
    """
    active = select(VersionRow.consent).where(VersionRow.status == Status.ACTIVE.value)
    query = select(ConsentRow).where(ConsentRow.patient == token, ConsentRow.id.in_(active)).order_by(ConsentRow.id)
    return list(session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def page_of(
    session: Session,
    member: Member,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *only: ColumnElement[bool],
) -> list[ConsentRow]:
    """At most `limit` consents that `member` is a party to, oldest first, later than `after`; `only` narrows them."""
    query = select(ConsentRow).where(_mine(member), *only).order_by(ConsentRow.created_at, ConsentRow.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(ConsentRow.created_at, ConsentRow.id) > after)
    return list(session.scalars(query))


def own_of_patient(session: Session, member: Member, token: str) -> list[ConsentRow]:
    """The consents of a patient that `member` is a party to, oldest first; those of emergencies are none."""
    where = (ConsentRow.patient == token, ConsentRow.letter.is_(None), _mine(member))
    return list(session.scalars(select(ConsentRow).where(*where).order_by(ConsentRow.created_at, ConsentRow.id)))


def _mine(member: Member) -> ColumnElement[bool]:
    own = {PartyKind.PRACTITIONER: member.practitioner, PartyKind.ORGANIZATION: member.organization}
    sides = (
        (ConsentRow.discloser_kind, ConsentRow.discloser_id),
        (ConsentRow.recipient_kind, ConsentRow.recipient_id),
    )
    return or_(*(and_(kind == each.value, id_ == own[each]) for kind, id_ in sides for each in PartyKind))


def ever_in_force(session: Session) -> Iterator[ConsentRow]:
    """Every consent that messaging has been told of, by id.

    Drafts, and drafts withdrawn, are nobody else's business.
    """
    told = select(VersionRow.consent).where(VersionRow.feed_seq.is_not(None))
    query = select(ConsentRow).where(ConsentRow.id.in_(told)).order_by(ConsentRow.id)
    yield from session.scalars(query.execution_options(yield_per=500))


def see(session: Session, consent: ConsentRow) -> Seen:
    """The consent with the effect of its versions' last changes."""
    return Seen(consent, {version.number: effective_at(session, version) for version in consent.versions})


def effective_at(session: Session, version: VersionRow) -> datetime | None:
    """Since when the last change of a version holds everywhere; None while it does not, and for a draft."""
    if version.feed_seq is None:
        return version.revoked_at  # a draft that is withdrawn was in force nowhere: that holds at once
    known = (FeedEvent.epoch == version.feed_epoch, FeedEvent.seq == version.feed_seq)
    return session.scalars(select(FeedEvent.effective_at).where(*known)).one_or_none()


def version_of(consent: ConsentRow, number: int) -> VersionRow | None:
    """One version of a consent."""
    return next((version for version in consent.versions if version.number == number), None)


def in_status(consent: ConsentRow, status: Status) -> VersionRow | None:
    """The version that is stored with this status; of drafts and active ones there is at most one."""
    return next((version for version in consent.versions if version.status == status), None)


_LOCK_DECLARER = text("SELECT pg_advisory_xact_lock(:declarer)")
