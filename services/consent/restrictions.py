"""Restrictions: what a patient asked to withhold and a provider agreed to withhold.

Owns the reading of their rows, and what they come to for every consent of the patient. Refuses to let a consent
outweigh one, and to change one: `agreements` does that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from concord_formats.vocabulary import Information, PartyKind, Sensitivity
from sqlalchemy import Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from .models import FeedEvent, RestrictionRow
from .rules.restrictions import RestrictionStatus, Withheld
from .rules.standing import Member
from .rules.terms import Party


def withheld_of(session: Session, patient: str) -> tuple[Withheld, ...]:
    """Everything that is withheld of a patient now, in a steady order."""
    return _each_once(session.scalars(_standing().where(RestrictionRow.patient == patient)))


def withheld_by_patient(session: Session) -> Mapping[str, tuple[Withheld, ...]]:
    """What is withheld of every patient of whom anything is: for a snapshot, which tells of all of them."""
    rows: dict[str, list[RestrictionRow]] = defaultdict(list)
    for row in session.scalars(_standing()):
        rows[row.patient].append(row)
    return {patient: _each_once(each) for patient, each in rows.items()}


def withheld_from(row: RestrictionRow) -> Withheld:
    """What one restriction withholds, as the rules know it."""
    return Withheld(
        discloser=Party(PartyKind(row.discloser_kind), row.discloser_id),
        recipient=recipient_of(row),
        information=frozenset(map(Information, row.information)),
        sensitivity=frozenset(map(Sensitivity, row.sensitivity)),
    )


def recipient_of(row: RestrictionRow) -> Party | None:
    """From whom it withholds; None: from anybody."""
    if row.recipient_kind is None or row.recipient_id is None:
        return None
    return Party(PartyKind(row.recipient_kind), row.recipient_id)


def standing_of(session: Session, patient: str, discloser: Party) -> list[RestrictionRow]:
    """The restrictions that one provider has agreed to for a patient and that stand, oldest first."""
    theirs = (RestrictionRow.discloser_kind == discloser.kind.value, RestrictionRow.discloser_id == discloser.id)
    return list(session.scalars(_standing().where(RestrictionRow.patient == patient, *theirs)))


def page_of(
    session: Session, member: Member, patient: str, after: tuple[datetime, UUID] | None, limit: int
) -> list[RestrictionRow]:
    """At most `limit` restrictions of a patient that are the member's own side's, oldest first, later than `after`."""
    own = {PartyKind.PRACTITIONER: member.practitioner, PartyKind.ORGANIZATION: member.organization}
    mine = or_(
        *(
            and_(RestrictionRow.discloser_kind == kind.value, RestrictionRow.discloser_id == id_)
            for kind, id_ in own.items()
        )
    )
    query = select(RestrictionRow).where(RestrictionRow.patient == patient, mine).order_by(*_AGE).limit(limit)
    if after is not None:
        query = query.where(tuple_(*_AGE) > after)
    return list(session.scalars(query))


def effective_at(session: Session, row: RestrictionRow) -> datetime | None:
    """Since when the last change of a restriction holds everywhere; None while it does not.

    One that touched no consent in force has nowhere to be told, and holds at once.
    """
    if row.feed_seq is None:
        return row.ended_at or row.created_at
    known = (FeedEvent.epoch == row.feed_epoch, FeedEvent.seq == row.feed_seq)
    return session.scalars(select(FeedEvent.effective_at).where(*known)).one_or_none()


_AGE = (RestrictionRow.created_at, RestrictionRow.id)


def _standing() -> Select[RestrictionRow]:
    return select(RestrictionRow).where(RestrictionRow.status == RestrictionStatus.AGREED.value).order_by(*_AGE)


def _each_once(rows: Iterable[RestrictionRow]) -> tuple[Withheld, ...]:
    return tuple(dict.fromkeys(map(withheld_from, rows)))
