"""Notices: what a party, or an organization's privacy officer, should know without asking.

Owns their making from this service's own events and their reading. Refuses mail and names: a notice is fetched by a
client, and says ids, dates and kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import PartyKind
from sqlalchemy import and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.event import Event
from services.chassis.inbox import Handler

from .deps import Collaborators
from .events import EMERGENCY_DECLARED, RENEWAL_DUE
from .models import NoticeRow
from .rules.emergency import may_review
from .rules.standing import Member

PRIVACY_OFFICER = "privacy-officer"


def renewal_due(session: Session, event: Event) -> None:
    """Both parties learn that a consent of theirs ends soon."""
    facts = {name: event.data[name] for name in ("version", "valid_until", "days")}
    parties = [(party["kind"], UUID(party["id"]), None) for party in event.data["parties"]]
    _record(session, event, "renewal-due", parties, facts)


def emergency_declared(session: Session, event: Event) -> None:
    """The privacy officers of the sender's organization learn of a release without consent: 42 CFR 2.51(c)."""
    facts = {name: event.data[name] for name in ("letter", "practitioner")}
    officers = (PartyKind.ORGANIZATION.value, UUID(event.data["organization"]), PRIVACY_OFFICER)
    _record(session, event, "emergency-declared", [officers], facts)


HANDLERS: Mapping[str, Handler] = {RENEWAL_DUE: renewal_due, EMERGENCY_DECLARED: emergency_declared}


def page(with_: Collaborators, member: Member, role: str, after: int, limit: int) -> list[NoticeRow]:
    """The notices for `member`, oldest first: to them, to their organization, and to those of their role in it."""
    own_role = [PRIVACY_OFFICER] if may_review(role) else [role]
    of_all = or_(NoticeRow.role.is_(None), NoticeRow.role.in_(own_role))
    to_me = and_(NoticeRow.party_kind == PartyKind.PRACTITIONER.value, NoticeRow.party_id == member.practitioner)
    to_us = and_(NoticeRow.party_kind == PartyKind.ORGANIZATION.value, NoticeRow.party_id == member.organization)
    query = select(NoticeRow).where(or_(to_me, and_(to_us, of_all)), NoticeRow.id > after)
    with with_.database.transaction() as session:
        return list(session.scalars(query.order_by(NoticeRow.id).limit(limit)))


def _record(
    session: Session,
    event: Event,
    kind: str,
    addressees: Iterable[tuple[str, UUID, str | None]],
    facts: Mapping[str, Any],
) -> None:
    insert = postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
    for party_kind, party_id, role in addressees:
        row = {
            "event_id": event.id,
            "kind": kind,
            "party_kind": party_kind,
            "party_id": party_id,
            "role": role,
            "consent": UUID(event.data["consent"]),
            "patient": event.data["patient"],
            "at": event.time,
            "facts": dict(facts),
        }
        # The inbox forgets after a while, a notice does not come twice.
        session.execute(insert(NoticeRow).values(row).on_conflict_do_nothing())


__all__ = ["HANDLERS", "PRIVACY_OFFICER", "page"]
