"""Consents as FHIR's mapping knows them.

Owns the way from rows to a record, and which version stands for a consent: the one in force, else the newest. Refuses
the record of an emergency, which is no consent (42 CFR 2.51).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from concord_formats.fhir_consent import Acceptance, ConsentRecord, Deed, History, Signed, Standing
from concord_formats.fhir_consent import Party as RecordParty

from . import records, texts
from .models import ConsentRow, VersionRow
from .rules import lifecycle
from .rules.lifecycle import Status
from .rules.terms import Direction, Evidence, Party, Signer


def shown(consent: ConsentRow) -> VersionRow:
    """The version in force, else the newest."""
    return records.in_status(consent, Status.ACTIVE) or consent.versions[-1]


def record_of(consent: ConsentRow, now: datetime) -> ConsentRecord:
    """The consent as its shown version says it."""
    version = shown(consent)
    text = texts.text_of(consent, version)
    terms, directions = text.terms, [_acceptance(each) for each in text.directions]
    return ConsentRecord(
        id=consent.id,
        version=version.number,
        status=Standing(lifecycle.shown(Status(version.status), text, now)),
        type=terms.type,
        patient=terms.patient,
        discloser=_party(terms.discloser),
        recipient=_party(terms.recipient),
        mutual=terms.mutual,
        purposes=terms.purposes,
        information=terms.information,
        sensitivity=terms.sensitivity,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        expires_on=terms.expires_on,
        evidence=_signed(text.evidence) if text.evidence else None,
        accepted=(directions[0], directions[1] if terms.mutual else None),
        deeds=_deeds(consent, version),
    )


def _party(party: Party) -> RecordParty:
    return RecordParty(party.kind, party.id)


def _acceptance(direction: Direction) -> Acceptance | None:
    accepted = direction.acceptance
    return Acceptance(accepted.at, accepted.by) if accepted else None


def _signed(evidence: Evidence) -> Signed:
    said = evidence.attested
    return Signed(
        sha256=evidence.sha256,
        size=evidence.size,
        signed_on=said.signed_on,
        method=said.method.value,
        form=said.form.value,
        language=said.language,
        statements=said.statements,
        signer="patient" if said.signer is Signer.PATIENT else "representative",
        authority=said.authority,
        witness=said.witness,
        copy_given=said.copy_given,
    )


def _deeds(consent: ConsentRow, version: VersionRow) -> tuple[Deed, ...]:
    """What happened to the version. A patient who revoked has no id."""
    known: list[tuple[History, datetime | None, UUID | None, str | None]] = [
        (History.DRAFTED, version.created_at, version.created_by, None),
        (History.ACTIVATED, version.activated_at, version.activated_by, None),
        (History.SUPERSEDED, version.superseded_at, None, None),
        (History.ENDED, version.ended_at, version.ended_by, None),
        (History.REVOKED, version.revoked_at, consent.revoked_by, consent.revoked_as),
    ]
    return tuple(Deed(what, at, by, as_) for what, at, by, as_ in known if at is not None)
