"""The addresses of the consent service: parse, call a use case, present.

Owns the routes and what each declares. Refuses logic. Every caller is signed in before anything of their request is
read.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from services.chassis import upload
from services.chassis.pages import decode_cursor
from services.chassis.problems import declared, invalid_field
from services.chassis.web import SIGNED_IN, answer, blueprint

from . import account, delegates, evidence, present, usecases
from .evidence_shapes import EvidenceHeaders
from .records import Seen
from .shapes import (
    AcceptanceBody,
    ConsentAnswer,
    ConsentPath,
    ConsentQuery,
    ConsentsAnswer,
    DisclosuresAnswer,
    PageQuery,
    RevokedAnswer,
    TermsBody,
    VersionPath,
)
from .signed_in import after_age as _after_consent
from .signed_in import collaborators as _with
from .signed_in import member as _member

consents = blueprint("consents", __name__, tag="Consents", security=SIGNED_IN)

_SEALED: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@consents.post("/v1/consents", responses={201: ConsentAnswer, **declared(400, 401, 403, 415, 503)})
def draft_consent(body: TermsBody) -> Response:
    """Draft a consent between two parties, one's own among them."""
    return _present(usecases.draft(_with(), _member(), body.terms()), 201)


@consents.get("/v1/consents", responses={200: ConsentsAnswer, **declared(401)})
def list_consents(query: PageQuery) -> Response:
    """The consents one is a party to, oldest first."""
    page = usecases.list_own(_with(), _member(), _after_consent(query.cursor), query.limit + 1)
    return answer(present.consents(page, query.limit, _with().clock.now()))


@consents.get("/v1/consents/<consent>", responses={200: ConsentAnswer, **declared(401, 404, 503)})
def show_consent(path: ConsentPath, query: ConsentQuery) -> Response:
    """One consent, to its parties, and to whom one of them lets write in their name by the `delegation`."""
    return _present(delegates.show(_with(), _member(), path.consent, query.delegation))


@consents.post(
    "/v1/consents/<consent>/versions", responses={201: ConsentAnswer, **declared(400, 401, 403, 404, 409, 415, 503)}
)
def draft_version(path: ConsentPath, body: TermsBody) -> Response:
    """Draft a further version: same patient, same parties, other words."""
    return _present(usecases.draft_version(_with(), _member(), path.consent, body.terms()), 201)


@consents.put(
    "/v1/consents/<consent>/versions/<version>/evidence",
    request_body=_SEALED | {"required": True},
    responses={200: ConsentAnswer, **declared(400, 401, 404, 409, 413)},
)
def attach_evidence(path: VersionPath, header: EvidenceHeaders) -> Response:
    """Store the signed form of a draft: an age file of at most 8 MiB."""
    pieces = upload.incoming(evidence.MAX_EVIDENCE_BYTES)
    return _present(evidence.attach(_with(), _member(), path.consent, path.version, header.attested(), pieces))


@consents.get(
    "/v1/consents/<consent>/versions/<version>/evidence",
    responses={200: {"description": "The sealed form"} | _SEALED, **declared(401, 404)},
)
def fetch_evidence(path: VersionPath) -> Response:
    """The signed form, sealed, as it was stored."""
    sealed = evidence.read(_with(), _member(), path.consent, path.version)
    headers = {"Content-Length": str(sealed.size), "ETag": f'"{sealed.sha256}"'}
    return Response(sealed.pieces, headers=headers, content_type="application/octet-stream")


@consents.post(
    "/v1/consents/<consent>/versions/<version>/acceptance",
    responses={200: ConsentAnswer, **declared(400, 401, 403, 404, 409, 415)},
)
def accept_version(path: VersionPath, body: AcceptanceBody) -> Response:
    """Accept, as the discloser, on the evidence one names."""
    return _present(usecases.accept(_with(), _member(), path.consent, path.version, body.evidence_sha256))


@consents.post(
    "/v1/consents/<consent>/versions/<version>/activation", responses={200: ConsentAnswer, **declared(401, 404, 409)}
)
def activate_version(path: VersionPath) -> Response:
    """Put a version in force."""
    return _present(usecases.activate(_with(), _member(), path.consent, path.version))


@consents.post(
    "/v1/consents/<consent>/versions/<version>/end", responses={200: ConsentAnswer, **declared(401, 404, 409)}
)
def end_version(path: VersionPath) -> Response:
    """Record that the event came on which a version expires."""
    return _present(usecases.end(_with(), _member(), path.consent, path.version))


@consents.post(
    "/v1/consents/<consent>/revocation", responses={200: RevokedAnswer, 202: RevokedAnswer, **declared(401, 404)}
)
def revoke_consent(path: ConsentPath) -> Response:
    """Revoke a consent, for ever. 202 while it is not yet known to hold everywhere: ask again."""
    made = usecases.revoke(_with(), _member(), path.consent)
    return answer(present.revocation(made), 200 if made.effective_at is not None else 202)


@consents.get("/v1/consents/<consent>/disclosures", responses={200: DisclosuresAnswer, **declared(401, 404)})
def list_disclosures(path: ConsentPath, query: PageQuery) -> Response:
    """What was released, refused, handed out and opened under a consent, to its parties."""
    page = account.page(_with(), _member(), path.consent, _after_line(query.cursor), query.limit + 1)
    return answer(present.disclosures(page, query.limit))


def _present(seen: Seen, status: int = 200) -> Response:
    return answer(present.consent(seen, _with().clock.now()), status)


def _after_line(cursor: str | None) -> int:
    if cursor is None:
        return 0
    (line,) = decode_cursor(cursor, [int])
    # What no 64-bit counter reaches is no cursor of ours, and no database takes it.
    if not 0 <= int(line) < 2**63:
        raise invalid_field("cursor", "use the `next` of the page before, unchanged")
    return int(line)
