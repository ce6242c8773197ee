"""Which organizations require single sign-on, and at which provider.

Owns what the operator sets: the directory fetches what stands at these addresses, so that no administrator names one.
Refuses an address that is no https, and a provider that does not answer as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from services.chassis.problems import Problem, invalid_field, not_found

from ..deps import Deps
from ..models import IdentityProvider, Organization
from ..rules import single_sign_on as rules
from .oidc import Client, ProviderError, RelyingParty

CALLBACK = "/v1/single-sign-on/callback"


@dataclass(frozen=True)
class Provider:
    """An organization's provider, as the operator names it."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)


def require(deps: Deps, organization: UUID, provider: Provider) -> None:
    """Require single sign-on at a provider, after a look whether it is one. Again: another provider in its place.

    Raises problem 404, 422 for an address that cannot be, 502 `provider-unreliable`.
    """
    if not rules.is_issuer(provider.issuer):
        raise invalid_field("issuer", "must be an https address without query or fragment")
    if not provider.client_id.isprintable() or not 0 < len(provider.client_id) <= 300:
        raise invalid_field("client_id", "must be 1 to 300 visible characters")
    with deps.database.transaction() as session:
        if session.get(Organization, organization) is None:
            raise not_found("organization")
    row = IdentityProvider(
        organization_id=organization,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        required_since=deps.clock.now(),
    )
    try:
        party(deps, row).discover()
    except ProviderError as error:
        raise unreliable(error) from None
    with deps.database.transaction() as session:
        session.merge(row)


def lift(deps: Deps, organization: UUID) -> bool:
    """Require it no more; whether it was required. Who was known there stays known."""
    with deps.database.transaction() as session:
        done = session.execute(delete(IdentityProvider).where(IdentityProvider.organization_id == organization))
    return cast(CursorResult[Any], done).rowcount == 1


def redirect_uri(deps: Deps, organization: UUID) -> str:
    """Where an organization's provider sends people back to; it has to be registered there.

    Each has its own: what comes back from one provider is never taken to another (RFC 9700, section 4.4.2.2).
    """
    return f"{deps.settings.public_url}{CALLBACK}/{organization}"


def provider_of(session: Session, organization: UUID) -> IdentityProvider | None:
    """What an organization requires; None where it does not."""
    return session.get(IdentityProvider, organization)


def party(deps: Deps, row: IdentityProvider) -> RelyingParty:
    """Ourselves, as a client of an organization's provider."""
    back = redirect_uri(deps, row.organization_id)
    return RelyingParty(Client(row.issuer, row.client_id, row.client_secret, back), deps.web)


def unreliable(error: ProviderError) -> Problem:
    """The provider cannot be used; why, in the words of `oidc.py`."""
    detail = f"The organization's single sign-on cannot be used: {error}. Tell its operator if it stays."
    return Problem(502, "provider-unreliable", "Single sign-on failed", detail)
