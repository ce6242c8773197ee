"""The events that the consent service speaks, and the ones it handles.

Owns their types and payloads. Refuses anything a broker's operator should not read: tokens, parties, labels and
dates, nothing else. Specified in `spec/events.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from concord_formats.vocabulary import ConsentType
from sqlalchemy.orm import Session

from . import records, restrictions, texts
from .models import ConsentRow, VersionRow
from .rules.elements import IncompleteError
from .rules.grants import as_fact, compile_grants, instant, party_fact
from .rules.lifecycle import Status
from .rules.restrictions import Withheld

# v2: grants with `withheld` and `only_with`, which a follower of v1 would overlook.
ACTIVATED = "care.concord.consent.activated.v2"
REVOKED = "care.concord.consent.revoked.v1"
RENEWAL_DUE = "care.concord.consent.renewal-due.v1"
EMERGENCY_DECLARED = "care.concord.consent.emergency-declared.v1"

# What messaging tells of a letter, and what it is called in the account of a consent.
ACCOUNTED = {
    "care.concord.messaging.letter-released.v1": "released",
    "care.concord.messaging.letter-refused.v1": "refused",
    "care.concord.messaging.letter-handed-out.v1": "handed-out",
    "care.concord.messaging.letter-opened.v1": "opened",
}


def activated(consent: ConsentRow, version: VersionRow, withheld: Sequence[Withheld]) -> dict[str, Any]:
    """A version is in force, with every grant it comes to now.

    What is incomplete comes to no grant (42 CFR 2.31(c)).
    """
    return _identity(consent, version) | {"grants": _grants(consent, version, withheld)}


def revoked(consent: ConsentRow, version: VersionRow) -> dict[str, Any]:
    """The consent is revoked, for ever, in all its versions; `version` is the one that was in force."""
    return {"consent": str(consent.id), "version": version.number}


def facts(session: Session) -> Iterator[dict[str, Any]]:
    """Every consent that was ever in force, as a snapshot tells it: active with its grants, or revoked with none."""
    withheld = restrictions.withheld_by_patient(session)
    for consent in records.ever_in_force(session):
        yield _fact(consent, withheld.get(consent.patient, ()))


def emergency_declared(consent: ConsentRow, organization: UUID, practitioner: UUID) -> dict[str, Any]:
    """A practitioner of an organization released one letter without consent."""
    return {
        "consent": str(consent.id),
        "patient": consent.patient,
        "letter": str(consent.letter),
        "organization": str(organization),
        "practitioner": str(practitioner),
    }


def renewal_due(consent: ConsentRow, version: VersionRow, days: int) -> dict[str, Any]:
    """A version in force ends within `days` days."""
    return _identity(consent, version) | {"valid_until": instant(version.valid_until), "days": days}


def _fact(consent: ConsentRow, withheld: Sequence[Withheld]) -> dict[str, Any]:
    version = records.in_status(consent, Status.ACTIVE)
    if version is not None and consent.revoked_at is None:
        return (
            {"kind": "consent", "status": "active"}
            | _identity(consent, version)
            | {"grants": _grants(consent, version, withheld)}
        )
    last = max((each for each in consent.versions if each.feed_seq is not None), key=lambda each: each.number)
    return {"kind": "consent", "status": "revoked"} | _identity(consent, last) | {"grants": []}


def _grants(consent: ConsentRow, version: VersionRow, withheld: Sequence[Withheld]) -> list[dict[str, Any]]:
    # 45 CFR 164.522(a)(1)(iii): for emergency treatment what is restricted may go all the same.
    against = () if version.type == ConsentType.EMERGENCY else withheld
    try:
        grants = compile_grants(texts.text_of(consent, version), against, consent.letter)
    except IncompleteError:
        # One damaged row must not keep every other consent from a follower that has lost its state: it grants nothing.
        return []
    return [as_fact(grant) for grant in grants]


def _identity(consent: ConsentRow, version: VersionRow) -> dict[str, Any]:
    parties = texts.terms_of(consent, version).parties
    return {
        "consent": str(consent.id),
        "version": version.number,
        "patient": consent.patient,
        "parties": [party_fact(party) for party in parties],
    }
