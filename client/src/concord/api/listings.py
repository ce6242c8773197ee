"""The directory's calls about listings: a question to it, and one's own entry.

Owns the shapes of what is asked and answered. Refuses to vouch for anybody: who is enrolled is held against the key log
by `concord.finding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, FiniteFloat

from ..errors import ServiceError
from ..transport import Transport
from .directory import Organization
from .shapes import Answer, readable


class AgeGroup(StrEnum):
    """Whom somebody treats, by age."""

    INFANT = "infant"
    CHILD = "child"
    ADOLESCENT = "adolescent"
    ADULT = "adult"
    OLDER_ADULT = "older-adult"


@dataclass(frozen=True)
class Question:
    """Whom to look for; every member given must match, of several specialties any.

    `text` is free: words of a name, a specialty, "near Springfield, MA", or an NPI. A specialty is a NUCC taxonomy code
    or plain words, `language` a BCP 47 primary subtag or an English name, `near` a town with its state or a ZIP code,
    `within_km` how far from it, in kilometres.
    """

    text: str | None = None
    name: str | None = None
    npi: str | None = None
    specialties: tuple[str, ...] = ()
    organization: str | None = None
    near: str | None = None
    within_km: float | None = None
    language: str | None = None
    telehealth: bool | None = None
    plan: str | None = None
    accepting: bool | None = None
    age: AgeGroup | None = None
    enrolled: bool | None = None

    def query(self) -> dict[str, str | list[str]]:
        """The parameters of the request; one that is given several times as a list."""
        named = {
            "q": self.text,
            "name": self.name,
            "npi": self.npi,
            "organization": self.organization,
            "near": self.near,
            "within_km": self.within_km,
            "language": self.language,
            "telehealth": self.telehealth,
            "plan": self.plan,
            "accepting": self.accepting,
            "age": self.age,
            "enrolled": self.enrolled,
        }
        given: dict[str, str | list[str]] = {
            name: _written(value) for name, value in named.items() if value is not None
        }
        return given | ({"specialty": list(self.specialties)} if self.specialties else {})


class Specialty(Answer):
    """A code of the NUCC taxonomy, and what it is called."""

    code: str
    name: str


class ListedOrganization(Answer):
    """Where somebody works; without an id where it is not enrolled."""

    id: UUID | None = None
    name: str


class Covering(Answer):
    """Who stands in for somebody who is away."""

    id: UUID
    name: str
    organization: Organization


class Coverage(Answer):
    """From when until when somebody is away, and who covers."""

    covering: Covering
    starts_at: datetime
    ends_at: datetime


class Listing(Answer):
    """One entry. `practitioner` is the account to write to, None for somebody who is not enrolled.

    `id` is None for an account that has no entry: an administrator. `telehealth` and `accepting` are None while nobody
    said. `confirmed_at` is the owner's last word, or the last change of a public record; `stale`: it is too old.
    """

    id: UUID | None
    practitioner: UUID | None = None
    kind: str
    name: str
    npi: str | None = None
    specialties: tuple[Specialty, ...] = ()
    organization: ListedOrganization | None = None
    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    phone: str | None = None
    distance_km: Annotated[FiniteFloat, Field(ge=0)] | None = None
    languages: tuple[str, ...] = ()
    telehealth: bool | None = None
    accepting: bool | None = None
    ages: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    role: str | None = None
    status: str | None = None
    enrolled: bool
    confirmed_at: datetime | None = None
    stale: bool
    coverage: Coverage | None = None


class OwnEntry(Listing):
    """One's own entry, as its owner sees it; `hidden`: nobody outside one's own organization finds it."""

    hidden: bool


class Place(Answer):
    """A place as the directory understood it, in degrees."""

    place: str
    lat: FiniteFloat
    lon: FiniteFloat


class Understood(Answer):
    """How a question was read."""

    npi: str | None = None
    name: str | None = None
    specialties: tuple[Specialty, ...] = ()
    near: Place | None = None


class ListingsPage(Answer):
    """One page, the best first; `next` is the cursor of the page after it."""

    listings: tuple[Listing, ...]
    next: str | None = None
    understood: Understood = Understood()


class ListingsApi:
    """Calls to `/directory/v1/listings` and to one's own entry."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(self, question: Question, limit: int, cursor: str | None = None) -> ListingsPage:
        """One page of what matches. Raises `ServiceError` (`invalid-field`: `field` says what was not understood)."""
        query = question.query() | {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = self._transport.json("GET", "/directory/v1/listings", params=query)
        with readable():
            return ListingsPage.model_validate(answer)

    def own(self, practitioner: UUID) -> OwnEntry:
        """The entry of oneself, or of somebody in the organization that one administers. Raises `ServiceError`."""
        return self._entry("GET", practitioner)

    def keep(self, practitioner: UUID, members: dict[str, Any]) -> OwnEntry:
        """Put an entry in the place of the one before, which confirms it. Raises `ServiceError`."""
        return self._entry("PUT", practitioner, json=members)

    def confirm(self, practitioner: UUID) -> OwnEntry:
        """Say again that an entry is right. Raises `ServiceError`."""
        return self._entry("POST", practitioner, "/confirmation")

    def _entry(self, method: str, practitioner: UUID, below: str = "", **request: Any) -> OwnEntry:
        path = f"/directory/v1/practitioners/{practitioner}/listing{below}"
        answer = self._transport.json(method, path, **request)
        with readable():
            entry = OwnEntry.model_validate(answer)
        if entry.practitioner != practitioner:  # what somebody else says is not sent back as this one's
            raise ServiceError.unreadable()
        return entry


def _written(value: object) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


__all__ = [
    "AgeGroup",
    "Coverage",
    "Covering",
    "ListedOrganization",
    "Listing",
    "ListingsApi",
    "ListingsPage",
    "OwnEntry",
    "Place",
    "Question",
    "Specialty",
    "Understood",
]
