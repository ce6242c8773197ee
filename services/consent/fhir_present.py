"""What the FHIR face of the consent service presents: resources as JSON values.

Owns the Consent's Bundle, the Parameters and what the CapabilityStatement offers. Refuses to read a clock or a table,
and names: nothing here has a display or a narrative.
"""

from __future__ import annotations

from datetime import datetime

from concord_formats.fhir_consent import write_consent
from concord_formats.fhir_consent.moments import written

from services.chassis import fhir
from services.chassis.fhir import Members
from services.chassis.pages import encode_cursor

from .fhir_records import record_of
from .fhir_search import Page, SearchQuery
from .models import ConsentRow
from .usecases import Revocation

REVOKE = "urn:concord:fhir:revoke"


def resource(row: ConsentRow, now: datetime) -> Members:
    """One Consent."""
    return write_consent(record_of(row, now))


def bundle(base: str, query: SearchQuery, page: Page, now: datetime) -> Members:
    """A page of a search; `base` is the address of the FHIR face."""
    after = page.after
    onward = encode_cursor([after.created_at.isoformat(), str(after.id)]) if after else None
    entries = [fhir.entry(base, resource(row, now)) for row in page.consents]
    return fhir.searchset(f"{base}/Consent", _said(query), query.cursor, onward, entries)


def parameters(made: Revocation) -> Members:
    """How far a revocation is."""
    known = [("revoked-at", made.revoked_at), ("effective-at", made.effective_at)]
    moments = [{"name": name, "valueInstant": written(at)} for name, at in known if at is not None]
    status = {"name": "status", "valueCode": "revoking" if made.effective_at is None else "revoked"}
    return {"resourceType": "Parameters", "parameter": [status, *moments]}


def capabilities(base: str) -> Members:
    """What this server can do with a Consent."""
    parameters_ = [("patient", "reference"), ("status", "token"), ("actor", "reference")]
    consent = fhir.offered("Consent", parameters_, operation=[{"name": "revoke", "definition": REVOKE}])
    return fhir.capabilities(base, "Concord, consents of patients known by a token", "2026-11-23", [consent])


def _said(query: SearchQuery) -> Members:
    given = {"patient": query.patient, "status": query.status, "actor": _actor(query)}
    return {name: value for name, value in given.items() if value} | {"_count": query.count}


def _actor(query: SearchQuery) -> str | None:
    return f"{query.actor.kind.value.capitalize()}/{query.actor.id}" if query.actor else None
