"""What the FHIR face of the consent service presents: resources as JSON values.

Owns the Bundle, the Parameters, the OperationOutcome and the CapabilityStatement. Refuses to read a clock or a table,
and names: nothing here has a display or a narrative.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from concord_formats.fhir_consent import write_consent
from concord_formats.fhir_consent.moments import written

from services.chassis import problems
from services.chassis.pages import encode_cursor

from .fhir_records import record_of
from .fhir_search import Page, SearchQuery
from .models import ConsentRow
from .usecases import Revocation

PROBLEM_SYSTEM = "urn:concord:problem"
REVOKE = "urn:concord:fhir:revoke"
_ISSUES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 409: "conflict", 503: "transient"}
_Members = dict[str, Any]


def resource(row: ConsentRow, now: datetime) -> _Members:
    """One Consent."""
    return write_consent(record_of(row, now))


def bundle(base: str, query: SearchQuery, page: Page, now: datetime) -> _Members:
    """A page of a search; `base` is the address of the FHIR face."""
    links = [{"relation": "self", "url": _link(base, query, query.cursor)}]
    if page.after is not None:
        cursor = encode_cursor([page.after.created_at.isoformat(), str(page.after.id)])
        links.append({"relation": "next", "url": _link(base, query, cursor)})
    entries = [
        {"fullUrl": f"{base}/Consent/{row.id}", "resource": resource(row, now), "search": {"mode": "match"}}
        for row in page.consents
    ]
    found: _Members = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return found | ({"entry": entries} if entries else {})


def parameters(made: Revocation) -> _Members:
    """How far a revocation is."""
    known = [("revoked-at", made.revoked_at), ("effective-at", made.effective_at)]
    moments = [{"name": name, "valueInstant": written(at)} for name, at in known if at is not None]
    status = {"name": "status", "valueCode": "revoking" if made.effective_at is None else "revoked"}
    return {"resourceType": "Parameters", "parameter": [status, *moments]}


def outcome(status: int, told: Mapping[str, Any]) -> _Members:
    """What a problem document says, as an OperationOutcome."""
    field = {"expression": [told["field"]]} if "field" in told else {}
    issue = {
        "severity": "error",
        "code": _ISSUES.get(status, "invalid" if status < 500 else "exception"),
        "details": {
            "coding": [{"system": PROBLEM_SYSTEM, "code": told["type"].removeprefix(problems.TYPE_PREFIX)}],
            "text": told["title"],
        },
        "diagnostics": told["detail"],
    }
    return {"resourceType": "OperationOutcome", "issue": [issue | field]}


def capabilities(base: str) -> _Members:
    """What this server can do with a Consent."""
    parameters_ = [("patient", "reference"), ("status", "token"), ("actor", "reference")]
    consent = {
        "type": "Consent",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": type_} for name, type_ in parameters_],
        "operation": [{"name": "revoke", "definition": REVOKE}],
    }
    security = {"description": "Access token with a proof of possession (RFC 9449)"}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-23",
        "kind": "instance",
        "implementation": {"description": "Concord, consents of patients known by a token", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "security": security, "resource": [consent]}],
    }


def _link(base: str, query: SearchQuery, cursor: str | None) -> str:
    given = {"patient": query.patient, "status": query.status, "actor": _actor(query)}
    said = {name: value for name, value in given.items() if value} | {"_count": query.count}
    return f"{base}/Consent?{urlencode(said | ({'cursor': cursor} if cursor else {}))}"


def _actor(query: SearchQuery) -> str | None:
    return f"{query.actor.kind.value.capitalize()}/{query.actor.id}" if query.actor else None
