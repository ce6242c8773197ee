"""Lines of an account with the names that the directory has for the people in them.

Owns the look-up, once a person. Refuses to fail on somebody whom the directory does not know any more: the account
names them by their id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from ..api import Practitioner
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
    """A line that the reader may see, with names."""

    event: AccountEvent
    sender: Person
    recipient: Person


def entries(events: Iterable[AccountEvent], find: Callable[[UUID], Practitioner]) -> list[Entry]:
    """The lines with names, in the order given. `find` is the directory's look-up. Raises `UnreachableError`."""

    @cache
    def person(practitioner: UUID) -> Person:
        try:
            found = find(practitioner)
        except ServiceError:
            return Person(practitioner, str(practitioner))
        return Person(practitioner, found.name, found.organization.name, found.npi)

    return [Entry(event, person(event.sender), person(event.recipient)) for event in events]


__all__ = ["Entry", "Person", "entries"]
