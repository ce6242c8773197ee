"""Entries for tests of finding: imported ones, and those that enrolled people keep."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.directory import models
from services.directory.rules import places
from services.directory.rules.tags import Said, tags_of
from services.directory.rules.words import words_of
from tests.unit.directory.house import House, Person

SPRINGFIELD, BOSTON, CHICAGO = "01103", "02108", "60601"
PSYCHOLOGIST, ADDICTION, PSYCHIATRIST = "103T00000X", "207QA0401X", "2084P0800X"


def imported(house: House, name: str, **members: Any) -> UUID:
    """An entry of somebody who is not enrolled, as an import leaves it."""
    codes = members.pop("specialties", (PSYCHOLOGIST,))
    postal_code = members.pop("postal_code", SPRINGFIELD)
    place = places.where(postal_code) if postal_code else None
    row = models.Listing(
        **{
            "id": uuid4(),
            "kind": "individual",
            "name": name,
            "words": words_of(name),
            "organization_words": "  ",
            "postal_code": postal_code,
            "lat": place[0] if place else None,
            "lon": place[1] if place else None,
            "cell": places.cell(*place) if place else None,
            "shown": True,
            "hidden": False,
            "confirmed_at": house.clock.now(),
            **members,
        }
    )
    tags = tags_of(Said(specialties=codes), enrolled=False)
    with house.database.transaction() as session:
        session.add(row)
        session.flush()
        session.add_all([models.ListingTag(tag=each, cell=row.cell or 0, listing_id=row.id) for each in tags])
    return row.id


def keeps(person: Person, **said: Any) -> Any:
    """What somebody says of their own entry, and the answer."""
    body = {"specialties": [PSYCHOLOGIST], "postal_code": SPRINGFIELD} | said
    return person.request("PUT", f"/v1/practitioners/{person.id}/listing", json=body)


def found(person: Person, **query: Any) -> list[str]:
    """The names of those whom somebody finds, the best first."""
    return [each["name"] for each in answer(person, **query)["listings"]]


def answer(person: Person, **query: Any) -> Any:
    """The whole answer to a question."""
    given = person.request("GET", "/v1/listings", query_string=query)
    assert given.status_code == 200, given.data
    return given.get_json()


def change(house: House, listing: UUID, **members: Any) -> None:
    """Change an entry beneath the service."""
    with house.database.transaction() as session:
        row = session.get_one(models.Listing, listing)
        for name, value in members.items():
            setattr(row, name, value)


def days_ago(house: House, days: float) -> datetime:
    """A moment before now by the house's clock."""
    return house.clock.now() - timedelta(days=days)
