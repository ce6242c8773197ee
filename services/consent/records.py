"""Between rows and rules: finding and locking consents, and reading rows as the values that rules decide upon.

Owns the queries and the mapping. Refuses to decide and to commit: whoever opened the transaction does both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormLanguage,
    FormStatement,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
    SignerAuthority,
)
from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .models import ConsentRow, DirectionRow, FeedEvent, PatientRow, VersionRow
from .rules.lifecycle import Status
from .rules.standing import Member
from .rules.terms import (
    Acceptance,
    Attestation,
    Direction,
    Evidence,
    FormOrigin,
    Party,
    SignatureMethod,
    Signer,
    Terms,
    Text,
)


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
        type=terms.type.value,
        mutual=terms.mutual,
        purposes=sorted(terms.purposes),
        information=sorted(terms.information),
        sensitivity=sorted(terms.sensitivity),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        expires_on=terms.expires_on.value if terms.expires_on else None,
        created_at=now,
        created_by=by,
        directions=[DirectionRow(place=place) for place in range(len(terms.ways))],
    )


def terms_of(consent: ConsentRow, version: VersionRow) -> Terms:
    """What a version says."""
    return Terms(
        type=ConsentType(version.type),
        patient=consent.patient,
        discloser=Party(PartyKind(consent.discloser_kind), consent.discloser_id),
        recipient=Party(PartyKind(consent.recipient_kind), consent.recipient_id),
        mutual=version.mutual,
        purposes=frozenset(map(Purpose, version.purposes)),
        information=frozenset(map(Information, version.information)),
        sensitivity=frozenset(map(Sensitivity, version.sensitivity)),
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        expires_on=ExpiryEvent(version.expires_on) if version.expires_on else None,
    )


def text_of(consent: ConsentRow, version: VersionRow) -> Text:
    """A version whole: terms, evidence, directions."""
    terms = terms_of(consent, version)
    directions = tuple(Direction(*terms.ways[row.place], _acceptance_of(row)) for row in version.directions)
    return Text(terms, _evidence_of(version), directions, version.ended_at)


def put_evidence(version: VersionRow, sha256: str, size: int, attested: Attestation, by: UUID) -> None:
    """Note the evidence of a version and what `by` attested of it."""
    version.evidence_sha256, version.evidence_size, version.evidence_by = sha256, size, by
    version.evidence_signed_on, version.evidence_method = attested.signed_on, attested.method.value
    version.evidence_form, version.evidence_language = attested.form.value, attested.language.value
    version.evidence_statements = sorted(attested.statements)
    version.evidence_signer = attested.signer.value
    version.evidence_authority = attested.authority.value if attested.authority else None
    version.evidence_witness, version.evidence_copy_given = attested.witness, attested.copy_given


def _evidence_of(version: VersionRow) -> Evidence | None:
    sha256, size, signed_on = version.evidence_sha256, version.evidence_size, version.evidence_signed_on
    if sha256 is None or size is None or signed_on is None:
        return None
    authority = version.evidence_authority
    attested = Attestation(
        signed_on=signed_on,
        method=SignatureMethod(version.evidence_method or ""),
        form=FormOrigin(version.evidence_form or ""),
        language=FormLanguage(version.evidence_language or ""),
        statements=frozenset(map(FormStatement, version.evidence_statements or ())),
        signer=Signer(version.evidence_signer or ""),
        authority=SignerAuthority(authority) if authority else None,
        witness=version.evidence_witness,
        copy_given=bool(version.evidence_copy_given),
    )
    return Evidence(sha256, size, attested)


def _acceptance_of(row: DirectionRow) -> Acceptance | None:
    if row.accepted_at is None or row.accepted_by is None or row.accepted_sha256 is None:
        return None
    return Acceptance(row.accepted_at, row.accepted_by, row.accepted_sha256)
