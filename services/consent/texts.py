"""Between rows and rules: a version's row as the text that rules decide upon, and the other way round.

Owns the mapping of terms, evidence and acceptances. Refuses to query, to decide and to commit.
"""

from __future__ import annotations

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

from .models import ConsentRow, DirectionRow, VersionRow
from .rules.lifecycle import Status
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
