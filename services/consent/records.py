"""Between rows and rules: finding and locking consents, and reading rows as the values that rules decide upon.

Owns the queries and the mapping. Refuses to decide and to commit: whoever opened the transaction does both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.orm import Session

from .models import ConsentRow, DirectionRow, FeedEvent, VersionRow
from .rules.lifecycle import Status
from .rules.standing import Member
from .rules.terms import Acceptance, Direction, Evidence, Party, SignatureMethod, Terms, Text


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


def page_of(session: Session, member: Member, after: tuple[datetime, UUID] | None, limit: int) -> list[ConsentRow]:
    """At most `limit` consents that `member` is a party to, oldest first, later than `after`."""
    own = {PartyKind.PRACTITIONER: member.practitioner, PartyKind.ORGANIZATION: member.organization}
    sides = (
        (ConsentRow.discloser_kind, ConsentRow.discloser_id),
        (ConsentRow.recipient_kind, ConsentRow.recipient_id),
    )
    mine = or_(*(and_(kind == each.value, id_ == own[each]) for kind, id_ in sides for each in PartyKind))
    query = select(ConsentRow).where(mine).order_by(ConsentRow.created_at, ConsentRow.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(ConsentRow.created_at, ConsentRow.id) > after)
    return list(session.scalars(query))


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


def new_consent(terms: Terms, by: UUID, now: datetime) -> ConsentRow:
    """A consent with its first version, a draft."""
    row = ConsentRow(
        id=uuid4(),
        patient=terms.patient,
        discloser_kind=terms.discloser.kind.value,
        discloser_id=terms.discloser.id,
        recipient_kind=terms.recipient.kind.value,
        recipient_id=terms.recipient.id,
        created_at=now,
        created_by=by,
    )
    row.versions.append(new_version(terms, 1, by, now))
    return row


def new_version(terms: Terms, number: int, by: UUID, now: datetime) -> VersionRow:
    """A version, a draft, with its directions."""
    return VersionRow(
        number=number,
        status=Status.DRAFT.value,
        mutual=terms.mutual,
        purposes=sorted(terms.purposes),
        information=sorted(terms.information),
        sensitivity=sorted(terms.sensitivity),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        created_at=now,
        created_by=by,
        directions=[DirectionRow(place=place) for place in range(len(terms.ways))],
    )


def terms_of(consent: ConsentRow, version: VersionRow) -> Terms:
    """What a version says."""
    return Terms(
        patient=consent.patient,
        discloser=Party(PartyKind(consent.discloser_kind), consent.discloser_id),
        recipient=Party(PartyKind(consent.recipient_kind), consent.recipient_id),
        mutual=version.mutual,
        purposes=frozenset(map(Purpose, version.purposes)),
        information=frozenset(map(Information, version.information)),
        sensitivity=frozenset(map(Sensitivity, version.sensitivity)),
        valid_from=version.valid_from,
        valid_until=version.valid_until,
    )


def text_of(consent: ConsentRow, version: VersionRow) -> Text:
    """A version whole: terms, evidence, directions."""
    terms = terms_of(consent, version)
    directions = tuple(Direction(*terms.ways[row.place], _acceptance_of(row)) for row in version.directions)
    return Text(terms, _evidence_of(version), directions)


def _evidence_of(version: VersionRow) -> Evidence | None:
    parts = (version.evidence_sha256, version.evidence_signed_on, version.evidence_method, version.evidence_size)
    sha256, signed_on, method, size = parts
    if sha256 is None or signed_on is None or method is None or size is None:
        return None
    return Evidence(sha256, signed_on, SignatureMethod(method), size)


def _acceptance_of(row: DirectionRow) -> Acceptance | None:
    if row.accepted_at is None or row.accepted_by is None or row.accepted_sha256 is None:
        return None
    return Acceptance(row.accepted_at, row.accepted_by, row.accepted_sha256)
