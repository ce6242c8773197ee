"""The events that the consent service speaks, and the ones it handles.

Owns their types and payloads. Refuses anything a broker's operator should not read: tokens, parties, labels and
dates, nothing else. Specified in `spec/events.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from . import records
from .models import ConsentRow, VersionRow
from .rules.elements import IncompleteError
from .rules.grants import as_fact, compile_grants, party_fact
from .rules.lifecycle import Status

ACTIVATED = "care.concord.consent.activated.v1"
REVOKED = "care.concord.consent.revoked.v1"

# What messaging tells of a letter, and what it is called in the account of a consent.
ACCOUNTED = {
    "care.concord.messaging.letter-released.v1": "released",
    "care.concord.messaging.letter-refused.v1": "refused",
    "care.concord.messaging.letter-handed-out.v1": "handed-out",
    "care.concord.messaging.letter-opened.v1": "opened",
}


def activated(consent: ConsentRow, version: VersionRow) -> dict[str, Any]:
    """A version is in force, with every grant it comes to now.

    Raises `IncompleteError`: nothing incomplete is ever told.
    """
    grants = compile_grants(records.text_of(consent, version))
    return _identity(consent, version) | {"grants": [as_fact(grant) for grant in grants]}


def revoked(consent: ConsentRow, version: VersionRow) -> dict[str, Any]:
    """The consent is revoked, for ever, in all its versions; `version` is the one that was in force."""
    return {"consent": str(consent.id), "version": version.number}


def facts(session: Session) -> Iterator[dict[str, Any]]:
    """Every consent that was ever in force, as a snapshot tells it: active with its grants, or revoked with none."""
    for consent in records.ever_in_force(session):
        yield _fact(consent)


def _fact(consent: ConsentRow) -> dict[str, Any]:
    version = records.in_status(consent, Status.ACTIVE)
    if version is not None and consent.revoked_at is None:
        return (
            {"kind": "consent", "status": "active"}
            | _identity(consent, version)
            | {"grants": _grants(consent, version)}
        )
    last = max((each for each in consent.versions if each.feed_seq is not None), key=lambda each: each.number)
    return {"kind": "consent", "status": "revoked"} | _identity(consent, last) | {"grants": []}


def _grants(consent: ConsentRow, version: VersionRow) -> list[dict[str, Any]]:
    try:
        return [as_fact(grant) for grant in compile_grants(records.text_of(consent, version))]
    except IncompleteError:
        # One damaged row must not keep every other consent from a follower that has lost its state: it grants nothing.
        return []


def _identity(consent: ConsentRow, version: VersionRow) -> dict[str, Any]:
    parties = records.terms_of(consent, version).parties
    return {
        "consent": str(consent.id),
        "version": version.number,
        "patient": consent.patient,
        "parties": [party_fact(party) for party in parties],
    }
