"""The directory's calls: colleagues, organizations, invitations, keys.

Owns the shapes of those answers. Refuses to trust keys: a history that it fetched goes through `concord.pins` before
it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from concord_formats.identity_checks import Checked, SignedIdentityCheck
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import from_base64url, to_base64url

from ..transport import Transport
from .shapes import Answer, paged, readable
from .single_sign_on import confirmed


class Organization(Answer):
    """An organization: a practice, a program, a hospital."""

    id: UUID
    name: str


class Practitioner(Answer):
    """A person in the directory; `status` is invited, active or suspended."""

    id: UUID
    role: str
    name: str
    npi: str | None = None
    taxonomy: str | None = None
    organization: Organization
    status: str


class Invitation(Answer):
    """A one-time invitation: `code` goes to the invited person on a way that only they can read."""

    practitioner: UUID
    code: str
    expires_at: datetime


class RecordedCheck(Answer):
    """How somebody's identity was checked before they were invited, as the directory shows it.

    An administrator's has the signed line; the operator's, of an organization's first administrator, has none.
    """

    practitioner: UUID
    how: Checked
    checked_on: date
    by: str
    attestor: UUID | None = None
    line: str | None = None
    signature: str | None = None

    def signed(self) -> SignedIdentityCheck | None:
        """As bytes; None where nobody signed. Raises `SignatureError`."""
        if self.line is None or self.signature is None:
            return None
        return SignedIdentityCheck(from_base64url(self.line), from_base64url(self.signature))


class DirectoryApi:
    """Calls to `/directory`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def enrol(self, practitioner: UUID, secret: str, first: SignedEntry) -> Practitioner:
        """Use an invitation. Raises `ServiceError` (`invitation-refused`, `already-enrolled`), `SingleSignOnError`."""
        body = {"practitioner": str(practitioner), "secret": secret, **_encoded(first)}
        by = {"purpose": "enrolment", "practitioner": str(practitioner), "secret": secret}
        answer = confirmed(
            self._transport,
            first,
            by,
            lambda: self._transport.anonymous("POST", "/directory/v1/enrolments", json=body),
        )
        return Practitioner.model_validate(answer)

    def practitioner(self, practitioner: UUID) -> Practitioner:
        """One person by id."""
        return Practitioner.model_validate(self._json("GET", f"/practitioners/{practitioner}"))

    def find(
        self, *, npi: str | None = None, name: str | None = None, organization: UUID | None = None
    ) -> Iterator[Practitioner]:
        """People by NPI, by name or by organization."""
        query = {"npi": npi, "name": name, "organization": organization and str(organization)}
        given = {key: value for key, value in query.items() if value}
        return paged(lambda q: self._json("GET", "/practitioners", params=q), "practitioners", Practitioner, given)

    def organization(self, organization: UUID) -> Organization:
        """One organization by id."""
        return Organization.model_validate(self._json("GET", f"/organizations/{organization}"))

    def organizations(self, name: str) -> Iterator[Organization]:
        """Organizations by name."""
        return paged(
            lambda q: self._json("GET", "/organizations", params=q), "organizations", Organization, {"name": name}
        )

    def keys(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """The key history of one account, oldest first, exactly as signed."""
        answer = self._json("GET", f"/practitioners/{practitioner}/keys")
        with readable():
            return [SignedEntry(from_base64url(e["entry"]), from_base64url(e["signature"])) for e in answer["entries"]]

    def append_keys(self, practitioner: UUID, entry: SignedEntry) -> dict[str, Any]:
        """Append an entry to one's own history; `effective_at` says since when a device it revokes is stopped.

        Raises `ServiceError` (`key-entry-conflict`).
        """
        by = {"purpose": "device", "practitioner": str(practitioner)}
        path = f"/practitioners/{practitioner}/keys"
        return dict(confirmed(self._transport, entry, by, lambda: self._json("POST", path, json=_encoded(entry))))

    def invite(
        self,
        identity: SignedIdentityCheck,
        *,
        role: str,
        name: str,
        npi: str | None,
        taxonomy: str | None,
        look_alike: bool = False,
    ) -> Invitation:
        """As an administrator: invite a person to one's own organization; `identity` is one's word who they are.

        It is signed by `concord.administration`. `look_alike`: who has a name that looks like this one is somebody
        else. Raises `ServiceError` (`name-looks-alike`, `npi-taken`).
        """
        body = {"role": role, "name": name, "npi": npi, "taxonomy": taxonomy}
        given: dict[str, Any] = {key: value for key, value in body.items() if value is not None}
        given |= {"look_alike": True} if look_alike else {}
        given["identity"] = {"line": to_base64url(identity.line), "signature": to_base64url(identity.signature)}
        return Invitation.model_validate(self._json("POST", "/invitations", json=given))

    def identity(self, practitioner: UUID) -> RecordedCheck:
        """How somebody's identity was checked. Raises `ServiceError` (`not-found`: before checks were recorded)."""
        return RecordedCheck.model_validate(self._json("GET", f"/practitioners/{practitioner}/identity"))

    def suspend(self, practitioner: UUID) -> dict[str, Any]:
        """As an administrator: stop every release to and from a person; answered once that is so."""
        return dict(self._json("POST", f"/practitioners/{practitioner}/suspension"))

    def reinstate(self, practitioner: UUID) -> dict[str, Any]:
        """As an administrator: end a suspension."""
        return dict(self._json("DELETE", f"/practitioners/{practitioner}/suspension"))

    def revoke_device(self, device: UUID) -> dict[str, Any]:
        """As its owner or their administrator: stop a lost device."""
        return dict(self._json("POST", f"/devices/{device}/revocation"))

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._transport.json(method, "/directory/v1" + path, **request)


def _encoded(signed: SignedEntry) -> dict[str, str]:
    return {"entry": to_base64url(signed.entry), "signature": to_base64url(signed.signature)}
