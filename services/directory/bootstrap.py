"""The directory's beginnings, for the operator: organizations and their first administrators.

Owns the composition for a command that runs and ends. Refuses routes: nobody reaches this over the network.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from concord_formats.identity_checks import Checked

from services.chassis.config import Settings

from . import usecases
from .app import build


class Bootstrap:
    """The operator's acts on the directory that `settings` name. Raises OSError, ValueError for missing keys."""

    def __init__(self, settings: Settings) -> None:
        self._deps = build(settings)

    def add_organization(self, name: str) -> UUID:
        """Add an organization; its id. Raises problem 422 for an empty name."""
        return usecases.add_organization(self._deps, name)

    def invite_administrator(
        self, organization: UUID, name: str, how: Checked, checked_on: date | None, *, look_alike: bool = False
    ) -> usecases.Invited:
        """Invite an organization's first administrator, whose identity the operator has checked (None: today).

        Raises problem 404 for an unknown organization, 409 for a name that looks like another's unless `look_alike`,
        422 for a day that cannot be.
        """
        checked = usecases.checked_by_operator(self._deps, how, checked_on)
        return usecases.invite_administrator(self._deps, organization, name, checked, look_alike=look_alike)

    def require_single_sign_on(self, organization: UUID, issuer: str, client_id: str, secret: str | None) -> None:
        """Require an organization's provider for each new device. Raises problem 404, 422, 502."""
        usecases.require_single_sign_on(self._deps, organization, usecases.SignOnProvider(issuer, client_id, secret))

    def sign_on_redirect_uri(self, organization: UUID) -> str:
        """Where an organization's provider has to send people back to."""
        return usecases.sign_on_redirect_uri(self._deps, organization)

    def lift_single_sign_on(self, organization: UUID) -> bool:
        """Require it no more; whether it was required."""
        return usecases.lift_single_sign_on(self._deps, organization)

    def forget_single_sign_on(self, practitioner: UUID) -> bool:
        """Know no more who an account is at its provider; whether it was known."""
        return usecases.forget_single_sign_on(self._deps, practitioner)
