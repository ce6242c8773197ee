"""The directory's beginnings, for the operator: organizations and their first administrators.

Owns the composition for a command that runs and ends. Refuses routes: nobody reaches this over the network.
"""

from __future__ import annotations

from uuid import UUID

from services.chassis.config import Settings

from . import usecases
from .app import build


class Bootstrap:
    """The operator's two acts on the directory that `settings` name. Raises OSError, ValueError for missing keys."""

    def __init__(self, settings: Settings) -> None:
        self._deps = build(settings)

    def add_organization(self, name: str) -> UUID:
        """Add an organization; its id. Raises problem 422 for an empty name."""
        return usecases.add_organization(self._deps, name)

    def invite_administrator(self, organization: UUID, name: str) -> usecases.Invited:
        """Invite an organization's first administrator. Raises problem 404 for an unknown organization."""
        return usecases.invite_administrator(self._deps, organization, name)
