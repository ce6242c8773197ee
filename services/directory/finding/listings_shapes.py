"""The JSON about listings: what is asked, what is shown, what an owner says.

Owns the shapes, and the lengths of single members. Refuses to understand a question: `listing_search` does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from services.chassis.pages import MAX_CURSOR, MAX_LIMIT
from services.chassis.web import Answer, Body

from ..rules.people import Role, Status
from ..rules.specialties import SpecialtyName
from ..rules.tags import Said
from ..rules.towns import Place
from ..shapes import NAME_PATTERN, OrganizationAnswer, Taxonomy
from .listing_questions import Understood, Wanted
from .listing_search import Found
from .listing_showing import Cover, FoundListing
from .listings import Kept

MAX_TEXT = 200
MAX_VALUES = 20
# Further away than anything in the United States.
MAX_KM = 10_000.0
DEFAULT_LIMIT = 20

AgeGroup = Literal["infant", "child", "adolescent", "adult", "older-adult"]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=NAME_PATTERN)]


class ListingsQuery(BaseModel):
    """Whom to look for; every member given must match. `specialty` may be given several times: any of them will do."""

    q: Text | None = None
    name: Text | None = None
    npi: Text | None = None
    specialty: Annotated[list[Text], Field(max_length=MAX_VALUES, default_factory=list)]
    organization: Text | None = None
    near: Text | None = None
    within_km: Annotated[float, Field(gt=0, le=MAX_KM)] | None = None
    language: Text | None = None
    telehealth: bool | None = None
    plan: Text | None = None
    accepting: bool | None = None
    age: AgeGroup | None = None
    enrolled: bool | None = None
    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=MAX_CURSOR)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT

    def wanted(self) -> Wanted:
        """The question."""
        asked = self.model_dump(exclude={"cursor", "limit", "specialty"})
        return Wanted(**asked, specialties=tuple(self.specialty))


class SpecialtyAnswer(Answer):
    """A code of the NUCC taxonomy, and what it is called."""

    code: str
    name: str

    @classmethod
    def of(cls, known: SpecialtyName) -> SpecialtyAnswer:
        """From what is known of it."""
        return cls(code=known.code, name=known.name)


class PlaceAnswer(Answer):
    """A place as it was understood, in degrees."""

    place: str
    lat: float
    lon: float

    @classmethod
    def of(cls, place: Place) -> PlaceAnswer:
        """From the place."""
        return cls(place=place.name, lat=place.lat, lon=place.lon)


class UnderstoodAnswer(Answer):
    """How the question was read."""

    npi: str | None
    name: str | None
    specialties: list[SpecialtyAnswer]
    near: PlaceAnswer | None

    @classmethod
    def of(cls, read: Understood) -> UnderstoodAnswer:
        """From how it was read."""
        return cls(
            npi=read.npi,
            name=read.name,
            specialties=[SpecialtyAnswer.of(each) for each in read.specialties],
            near=PlaceAnswer.of(read.near) if read.near else None,
        )


class CoveringAnswer(Answer):
    """Who covers: an account."""

    id: UUID
    name: str
    organization: OrganizationAnswer


class ListingCoverageAnswer(Answer):
    """Who stands in for somebody who is away, from when until when."""

    covering: CoveringAnswer
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, cover: Cover) -> ListingCoverageAnswer:
        """From who covers."""
        person = cover.covering
        shown = CoveringAnswer(id=person.id, name=person.name, organization=OrganizationAnswer.of(person.organization))
        return cls(covering=shown, starts_at=cover.starts_at, ends_at=cover.ends_at)


class ListedOrganizationAnswer(Answer):
    """Where somebody works; `id` is null for an organization that is not enrolled."""

    id: UUID | None
    name: str


class ListingAnswer(Answer):
    """One entry. `practitioner` is the account to write to, null for somebody who is not enrolled.

    `distance_km` is from the place that was asked for. `telehealth` and `accepting` are null while nobody said.
    `confirmed_at` is when somebody last said that this is right; `stale` that this is ninety days ago.
    """

    id: UUID
    practitioner: UUID | None
    kind: Literal["individual", "organization"]
    name: str
    npi: str | None
    specialties: list[SpecialtyAnswer]
    organization: ListedOrganizationAnswer | None
    line: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    phone: str | None
    distance_km: float | None
    languages: list[str]
    telehealth: bool | None
    accepting: bool | None
    ages: list[AgeGroup]
    plans: list[str]
    role: Role | None
    status: Status | None
    enrolled: bool
    confirmed_at: datetime | None
    stale: bool
    coverage: ListingCoverageAnswer | None

    @classmethod
    def of(cls, found: FoundListing) -> ListingAnswer:
        """From what was found."""
        return cls(**_members(found))


class OwnListingAnswer(ListingAnswer):
    """One's own entry; `hidden` ones are found by nobody outside one's own organization."""

    hidden: bool

    @classmethod
    def of(cls, found: FoundListing) -> OwnListingAnswer:
        """From what is stored."""
        return cls(**_members(found), hidden=found.row.hidden)


class ListingsAnswer(Answer):
    """One page, the best first; `next` is the cursor of the page after it."""

    listings: list[ListingAnswer]
    next: str | None
    understood: UnderstoodAnswer

    @classmethod
    def of(cls, found: Found) -> ListingsAnswer:
        """From what was found."""
        shown = [ListingAnswer.of(each) for each in found.rows]
        return cls(listings=shown, next=found.next, understood=UnderstoodAnswer.of(found.understood))


class OwnListingBody(Body):
    """What an owner says of themselves: the whole of it, in the place of what stood there."""

    specialties: Annotated[list[Taxonomy], Field(max_length=MAX_VALUES, default_factory=list)]
    languages: Annotated[list[Text], Field(max_length=MAX_VALUES, default_factory=list)]
    telehealth: bool | None = None
    accepting: bool | None = None
    ages: Annotated[list[AgeGroup], Field(max_length=MAX_VALUES, default_factory=list)]
    plans: Annotated[list[Text], Field(max_length=MAX_VALUES, default_factory=list)]
    line: Text | None = None
    city: Annotated[Text, Field(max_length=100)] | None = None
    state: Annotated[Text, Field(max_length=40)] | None = None
    postal_code: Annotated[Text, Field(max_length=20)] | None = None
    phone: Annotated[Text, Field(max_length=40)] | None = None
    hidden: bool = False

    def said(self) -> Kept:
        """All of it."""
        said = Said(
            specialties=tuple(dict.fromkeys(self.specialties)),
            languages=tuple(self.languages),
            ages=tuple(dict.fromkeys(self.ages)),
            plans=tuple(self.plans),
            telehealth=self.telehealth,
            accepting=self.accepting,
        )
        return Kept(said, self.line, self.city, self.state, self.postal_code, self.phone, self.hidden)


def _members(found: FoundListing) -> dict[str, object]:
    row, account = found.row, found.account
    return {
        **{name: getattr(row, name) for name in _AS_STORED},
        "practitioner": row.practitioner_id,
        "name": account.name if account else row.name,
        "npi": account.npi if account else row.npi,
        "organization": _organization(found),
        "specialties": [SpecialtyAnswer.of(each) for each in found.specialties],
        "languages": list(found.languages),
        "ages": list(found.ages),
        "plans": list(found.plans),
        "role": account.role if account else None,
        "status": account.status if account else None,
        "enrolled": account is not None,
        "distance_km": None if found.distance_km is None else round(found.distance_km, 1),
        "stale": found.stale,
        "coverage": ListingCoverageAnswer.of(found.coverage) if found.coverage else None,
    }


def _organization(found: FoundListing) -> ListedOrganizationAnswer | None:
    if found.account:
        theirs = found.account.organization
        return ListedOrganizationAnswer(id=theirs.id, name=theirs.name)
    named = found.row.organization_name
    return ListedOrganizationAnswer(id=None, name=named) if named else None


# Members that are shown as they are stored.
_AS_STORED = (
    "id", "kind", "line", "city", "state", "postal_code", "phone", "telehealth", "accepting", "confirmed_at",
)  # fmt: skip
