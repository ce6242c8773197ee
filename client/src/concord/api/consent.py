"""The consent service's calls.

Owns the shapes of a consent as the service presents it. Refuses names of patients: a consent knows a patient token.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

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

from ..transport import Transport
from .shapes import Answer, paged


class Party(Answer):
    """A named practitioner or a named organization."""

    kind: PartyKind
    id: UUID


class Terms(Answer):
    """What a consent allows, under which law: who may disclose what to whom, why and until when."""

    type: ConsentType
    patient: str
    discloser: Party
    recipient: Party
    mutual: bool
    purposes: list[Purpose]
    information: list[Information]
    sensitivity: list[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None = None


class Direction(Answer):
    """One way of a consent: live once its discloser has accepted the evidence."""

    discloser: Party
    recipient: Party
    accepted_at: datetime | None = None
    accepted_by: UUID | None = None


class Attestation(Answer):
    """What whoever attaches a signed form says of it; `witness` is a practitioner's id.

    `form` is `concord` or `own`, `method` `ink`, `electronic` or `verbal`, `signer` `patient` or `representative`.
    """

    signed_on: date
    method: str
    form: str
    language: FormLanguage
    statements: list[FormStatement]
    signer: str = "patient"
    authority: SignerAuthority | None = None
    witness: UUID | None = None
    copy_given: bool

    def headers(self) -> dict[str, str]:
        """As the service takes it, beside the sealed form."""
        said = {
            "Concord-Signed-On": self.signed_on.isoformat(),
            "Concord-Signature-Method": self.method,
            "Concord-Form": self.form,
            "Concord-Form-Language": self.language.value,
            "Concord-Form-Statements": ",".join(sorted(self.statements)),
            "Concord-Signer": self.signer,
            "Concord-Signer-Authority": self.authority.value if self.authority else None,
            "Concord-Witness": str(self.witness) if self.witness else None,
            "Concord-Copy-Given": "true" if self.copy_given else "false",
        }
        return {name: value for name, value in said.items() if value is not None}


class Evidence(Attestation):
    """What the service knows of the signed form: never the form itself, only its sealed bytes."""

    sha256: str
    size: int


class Missing(Answer):
    """An element that a version lacks, and where it is written."""

    element: str
    citation: str


class ConsentVersion(Answer):
    """One version of a consent; `status` is draft, active, revoked, expired, deficient or superseded."""

    version: int
    status: str
    type: ConsentType
    discloser: Party
    recipient: Party
    mutual: bool
    purposes: list[Purpose]
    information: list[Information]
    sensitivity: list[Sensitivity]
    valid_from: datetime
    valid_until: datetime
    expires_on: ExpiryEvent | None = None
    directions: list[Direction]
    evidence: Evidence | None = None
    missing: tuple[Missing, ...] = ()
    ended_at: datetime | None = None
    activated_at: datetime | None = None
    revoked_at: datetime | None = None
    effective_at: datetime | None = None


class Consent(Answer):
    """A consent and its versions, oldest first; `letter` is the one letter of an emergency."""

    id: UUID
    patient: str
    letter: UUID | None = None
    created_at: datetime
    revoked_at: datetime | None = None
    revoked_as: str | None = None
    versions: list[ConsentVersion]

    @property
    def latest(self) -> ConsentVersion:
        """The newest version, draft or not."""
        return max(self.versions, key=lambda version: version.version)

    @property
    def active(self) -> ConsentVersion | None:
        """The version in force, if any."""
        return next((version for version in self.versions if version.status == "active"), None)

    @property
    def cited(self) -> ConsentVersion:
        """The version that a letter would cite: the active one, else the newest, whose refusal then says why."""
        return self.active or self.latest


class Disclosure(Answer):
    """One line of the account: what was released, refused, handed out or opened under a consent."""

    event: str
    letter: UUID
    consent_version: int
    sender: UUID
    recipient: UUID
    purpose: str
    information: list[str]
    sensitivity: list[str]
    at: datetime
    reason: str | None = None
    on_behalf_of: UUID | None = None
    team: UUID | None = None


class ConsentApi:
    """Calls to `/consent`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def draft(self, terms: Terms) -> Consent:
        """Create a draft, version 1 of a new consent."""
        return self._consent("POST", "/consents", json=terms.model_dump(mode="json"))

    def draft_version(self, consent: UUID, terms: Terms) -> Consent:
        """Create the next version, as a draft, of a consent."""
        return self._consent("POST", f"/consents/{consent}/versions", json=terms.model_dump(mode="json"))

    def attach_evidence(self, consent: UUID, version: int, sealed: bytes, attested: Attestation) -> Consent:
        """Store the sealed form, an age file of at most 8 MiB, and what is attested of it."""
        headers = {"Content-Type": "application/octet-stream"} | attested.headers()
        path = f"/consents/{consent}/versions/{version}/evidence"
        return self._consent("PUT", path, content=sealed, headers=headers)

    def evidence(self, consent: UUID, version: int) -> bytes:
        """The sealed form, as stored."""
        return self._transport.send("GET", f"/consent/v1/consents/{consent}/versions/{version}/evidence").content

    def accept(self, consent: UUID, version: int, evidence_sha256: str) -> Consent:
        """Accept, as the discloser's side, the direction that is one's own."""
        body = {"evidence_sha256": evidence_sha256}
        return self._consent("POST", f"/consents/{consent}/versions/{version}/acceptance", json=body)

    def activate(self, consent: UUID, version: int) -> Consent:
        """Put a version in force. Raises `ServiceError` (`consent-incomplete`, with what is missing)."""
        return self._consent("POST", f"/consents/{consent}/versions/{version}/activation")

    def end(self, consent: UUID, version: int) -> Consent:
        """Record that the event came on which a version expires."""
        return self._consent("POST", f"/consents/{consent}/versions/{version}/end")

    def revoke(self, consent: UUID) -> dict[str, Any]:
        """Revoke. `status` is `revoked` once no letter can be released any more, `revoking` until then."""
        return dict(self._json("POST", f"/consents/{consent}/revocation"))

    def consent(self, consent: UUID, delegation: UUID | None = None) -> Consent:
        """One consent by id; by a `delegation` that was given to one, also a consent of its giver's."""
        query = {"params": {"delegation": str(delegation)}} if delegation else {}
        return self._consent("GET", f"/consents/{consent}", **query)

    def consents(self) -> Iterator[Consent]:
        """Every consent that one is a party to."""
        return paged(lambda q: self._json("GET", "/consents", params=q), "consents", Consent, {})

    def disclosures(self, consent: UUID) -> Iterator[Disclosure]:
        """The account of one consent."""
        path = f"/consents/{consent}/disclosures"
        return paged(lambda q: self._json("GET", path, params=q), "disclosures", Disclosure, {})

    def _consent(self, method: str, path: str, **request: Any) -> Consent:
        return Consent.model_validate(self._json(method, path, **request))

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/consent/v1" + path, **request)
