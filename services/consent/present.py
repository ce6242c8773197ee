"""How consents and their account are presented.

Owns the way from rows to answers. Refuses to read a clock or a table: it is given both what was seen and the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.chassis.pages import encode_cursor

from . import texts
from .account import Claims
from .evidence_shapes import EvidenceAnswer
from .models import ConsentRow, DisclosureRow, VersionRow
from .records import Seen
from .rules import lifecycle
from .rules.elements import missing_elements
from .rules.lifecycle import Status
from .rules.standing import Standing
from .rules.terms import Direction, Evidence, Party
from .shapes import (
    ConsentAnswer,
    ConsentsAnswer,
    DirectionAnswer,
    DisclosureAnswer,
    DisclosuresAnswer,
    MissingAnswer,
    PartyAnswer,
    RevokedAnswer,
    VersionAnswer,
)
from .usecases import Revocation


def consent(seen: Seen, now: datetime) -> ConsentAnswer:
    """A consent whole."""
    row = seen.consent
    versions = [_version(row, each, seen.effective[each.number], now) for each in row.versions]
    return ConsentAnswer(
        id=row.id,
        patient=row.patient,
        letter=row.letter,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        revoked_as=Standing(row.revoked_as) if row.revoked_as else None,
        versions=versions,
    )


def consents(page: Sequence[Seen], limit: int, now: datetime) -> ConsentsAnswer:
    """A page of consents, read with `limit + 1`: the one too many says that there is a next page."""
    shown = page[:limit]
    last = shown[-1].consent if len(page) > limit else None
    next_ = encode_cursor([last.created_at.isoformat(), str(last.id)]) if last else None
    return ConsentsAnswer(consents=[consent(each, now) for each in shown], next=next_)


def revocation(made: Revocation) -> RevokedAnswer:
    """How far a revocation is."""
    status = "revoked" if made.effective_at is not None else "revoking"
    return RevokedAnswer(status=status, revoked_at=made.revoked_at, effective_at=made.effective_at)


def disclosures(page: Sequence[DisclosureRow], limit: int) -> DisclosuresAnswer:
    """A page of the account, read with `limit + 1`."""
    shown = page[:limit]
    next_ = encode_cursor([shown[-1].id]) if len(page) > limit else None
    return DisclosuresAnswer(disclosures=[_disclosure(row) for row in shown], next=next_)


def _version(row: ConsentRow, version: VersionRow, effective_at: datetime | None, now: datetime) -> VersionAnswer:
    text = texts.text_of(row, version)
    terms = text.terms
    return VersionAnswer(
        version=version.number,
        status=lifecycle.shown(Status(version.status), text, now),
        type=terms.type,
        discloser=_party(terms.discloser),
        recipient=_party(terms.recipient),
        mutual=terms.mutual,
        purposes=sorted(terms.purposes),
        information=sorted(terms.information),
        sensitivity=sorted(terms.sensitivity),
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        expires_on=terms.expires_on,
        directions=[_direction(each) for each in text.directions],
        evidence=_evidence(text.evidence),
        missing=[MissingAnswer(element=each.element, citation=each.citation) for each in missing_elements(text)],
        created_at=version.created_at,
        created_by=version.created_by,
        activated_at=version.activated_at,
        activated_by=version.activated_by,
        superseded_at=version.superseded_at,
        ended_at=version.ended_at,
        ended_by=version.ended_by,
        revoked_at=version.revoked_at,
        effective_at=effective_at,
    )


def _party(party: Party) -> PartyAnswer:
    return PartyAnswer(kind=party.kind, id=party.id)


def _direction(direction: Direction) -> DirectionAnswer:
    accepted = direction.acceptance
    return DirectionAnswer(
        discloser=_party(direction.discloser),
        recipient=_party(direction.recipient),
        accepted_at=accepted.at if accepted else None,
        accepted_by=accepted.by if accepted else None,
    )


def _evidence(evidence: Evidence | None) -> EvidenceAnswer | None:
    if evidence is None:
        return None
    attested = {**vars(evidence.attested), "statements": sorted(evidence.attested.statements)}
    return EvidenceAnswer(sha256=evidence.sha256, size=evidence.size, **attested)


def _disclosure(row: DisclosureRow) -> DisclosureAnswer:
    claims = Claims.of(row)
    return DisclosureAnswer(
        event=row.event,
        letter=row.letter,
        consent_version=row.consent_version,
        sender=row.sender,
        recipient=row.recipient,
        purpose=row.purpose,
        information=row.information,
        sensitivity=row.sensitivity,
        at=row.at,
        reason=row.reason,
        on_behalf_of=claims.on_behalf_of,
        team=claims.team,
    )
