"""Lines of an account with the names that the directory has for the people in them.

Owns the look-up, once a person and a team. Refuses to fail on somebody whom the directory does not know any more: the
account names them by their id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from ..api import Practitioner
from ..api.teams import Team
from ..errors import ServiceError
from .event import AccountEvent


@dataclass(frozen=True)
class Person:
    """One side of a disclosure. The directory keeps no addresses: the organization is what is known of one."""

    id: UUID
    name: str
    organization: str | None = None
    npi: str | None = None

    @property
    def whole(self) -> str:
        """Name and organization."""
        return f"{self.name}, {self.organization}" if self.organization else self.name


@dataclass(frozen=True)
class Entry:
    """A line that the reader may see, with names. `on_behalf_of` and `team` are there where the line has them."""

    event: AccountEvent
    sender: Person
    recipient: Person
    on_behalf_of: Person | None = None
    team: str | None = None


def entries(
    events: Iterable[AccountEvent],
    find: Callable[[UUID], Practitioner],
    find_team: Callable[[UUID], Team] | None = None,
) -> list[Entry]:
    """The lines with names, in the order given. `find` and `find_team` are the directory's look-ups.

    Raises `UnreachableError`.
    """

    @cache
    def person(practitioner: UUID) -> Person:
        try:
            found = find(practitioner)
        except ServiceError:
            return Person(practitioner, str(practitioner))
        return Person(practitioner, found.name, found.organization.name, found.npi)

    @cache
    def team(wanted: UUID) -> str:
        try:
            return find_team(wanted).name if find_team else str(wanted)
        except ServiceError:
            return str(wanted)

    return [
        Entry(
            event,
            person(event.sender),
            person(event.recipient),
            person(event.on_behalf_of) if event.on_behalf_of else None,
            team(event.team) if event.team else None,
        )
        for event in events
    ]


__all__ = ["Entry", "Person", "entries"]
