"""What the consent service does by itself: judging consents anew, and reminding of their end.

Owns both loops' work. Refuses to change what a consent says: it tells again what one comes to, or that one ends soon.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.chassis import outbox
from services.chassis.event import Event

from . import events, records
from .changes import CHANNELS, Change
from .deps import Collaborators
from .models import ConsentRow, Outbox, VersionRow
from .rules.elements import LAW
from .rules.lifecycle import Status
from .rules.renewal import REMINDERS_DAYS, reminder_due
from .rules.standing import Patient

BATCH = 500


def judge_anew(with_: Collaborators) -> int:
    """Tell again what every consent in force comes to that was judged by another table of elements; how many.

    One that lacks an element by the present table comes to nothing (42 CFR 2.31(c)(2)).
    """
    judged = 0
    while found := _judged_otherwise(with_):
        for consent in found:
            _judge(with_, consent)
        judged += len(found)
    return judged


def _judged_otherwise(with_: Collaborators) -> list[UUID]:
    with with_.database.transaction() as session:
        other = or_(VersionRow.law.is_(None), VersionRow.law != LAW)
        query = select(VersionRow.consent).where(VersionRow.status == Status.ACTIVE.value, other).limit(BATCH)
        return list(session.scalars(query).all())


def remind(with_: Collaborators) -> int:
    """Tell of every consent in force that ends soon, once for each reminder; how many."""
    now = with_.clock.now()
    with with_.database.transaction() as session:
        soon = VersionRow.valid_until <= now + timedelta(days=max(REMINDERS_DAYS))
        due = or_(VersionRow.reminded.is_(None), VersionRow.reminded > min(REMINDERS_DAYS))
        where = (VersionRow.status == Status.ACTIVE.value, VersionRow.valid_until > now, soon, due)
        # Only versions in force: their rows change under the consent's lock, which the reminder does not need.
        query = select(VersionRow).where(*where, VersionRow.ended_at.is_(None)).limit(BATCH)
        # What a restriction is telling of anew just now is reminded of next time: neither waits for the other's rows.
        query = query.with_for_update(skip_locked=True)
        reminded = sum(_remind(with_, session, version) for version in session.scalars(query).all())
    if reminded:
        with_.notifier.notify(outbox.CHANNEL)
    return reminded


def _judge(with_: Collaborators, consent: UUID) -> None:
    with with_.database.transaction() as session:
        patient = records.patient_of(session, consent)
        assert patient is not None  # noqa: S101 - a version has a consent
        records.lock_patient(session, patient)
        row = records.lock(session, consent)
        version = records.in_status(row, Status.ACTIVE) if row else None
        if row is not None and version is not None and version.law != LAW:
            Change(with_, session, row, Patient(patient), with_.clock.now()).tell_activated(version)
    for channel in CHANNELS:
        with_.notifier.notify(channel)


def _remind(with_: Collaborators, session: Session, version: VersionRow) -> bool:
    now = with_.clock.now()
    days = reminder_due(version.valid_from, version.valid_until, version.reminded, now)
    if days is None:
        return False
    version.reminded = days
    consent = session.get_one(ConsentRow, version.consent)
    data = events.renewal_due(consent, version, days)
    event = Event.create("consent", events.RENEWAL_DUE, data, time=now, subject=str(consent.id))
    outbox.record(session, Outbox, event)
    return True
