"""What may be asked of the directory in FHIR: the parameters of each resource.

Owns which there are, and which of them say what is looked for. Refuses what it does not know, by its name, and a search
that names nothing: nobody reads the directory from one end to the other.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.chassis.pages import DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT
from services.chassis.problems import invalid_field

from .fhir_values import Beginning, Circle, Ids, Names, Npis, Organizations, Practitioners, Specialties

_FEW = ("ids", "identifier", "practitioner", "organization", "partof")
Include = Literal["PractitionerRole:practitioner", "PractitionerRole:organization", "PractitionerRole:endpoint"]
_Truth = Annotated[Literal["true", "false"] | None, Field(description="What is out of use is not found")]
INCLUDES = get_args(Include)


class Search(BaseModel):
    """What every search may say. `_format` is JSON; its plus is a space where it was not escaped."""

    model_config = ConfigDict(extra="forbid")
    # One of these at least is given: the others would not say what is looked for.
    narrowing: ClassVar[tuple[str, ...]] = ()
    ids: Annotated[Ids | None, Field(alias="_id")] = None
    count: Annotated[int, Field(ge=1, le=MAX_LIMIT, alias="_count")] = DEFAULT_LIMIT
    format: Annotated[
        Literal["json", "application/json", "application/fhir+json", "application/fhir json"] | None,
        Field(alias="_format"),
    ] = None
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CURSOR)] | None = None

    def finds_few(self) -> bool:
        """Whether it names people or organizations one by one, or where they work."""
        return any(getattr(self, name, None) is not None for name in _FEW)

    def narrowed(self) -> None:
        """Raises problem 422 for a search that names nothing to look for."""
        members = type(self).model_fields
        if all(getattr(self, name) is None for name in self.narrowing):
            spelled = ", ".join(str(members[name].alias or name) for name in self.narrowing)
            raise invalid_field("query", f"say what to look for, by one of: {spelled}")


class PractitionerSearch(Search):
    """People, by who they are."""

    narrowing = ("ids", "identifier", "name", "family", "given")
    identifier: Npis | None = None
    name: Names | None = None
    family: Names | None = None
    given: Names | None = None
    active: _Truth = None


class RoleSearch(Search):
    """People, by what they do and where."""

    narrowing = ("ids", "practitioner", "organization", "specialty")
    practitioner: Practitioners | None = None
    organization: Organizations | None = None
    specialty: Specialties | None = None
    city: Annotated[Beginning | None, Field(alias="location.address-city")] = None
    state: Annotated[Beginning | None, Field(alias="location.address-state")] = None
    postal_code: Annotated[Beginning | None, Field(alias="location.address-postalcode")] = None
    near: Annotated[Circle | None, Field(alias="location.near")] = None
    active: _Truth = None
    include: Annotated[list[Include], Field(alias="_include", max_length=3)] = []


class OrganizationSearch(Search):
    """Organizations: the enrolled, their departments, and those of the national list."""

    narrowing = ("ids", "identifier", "name", "partof")
    identifier: Npis | None = None
    name: Names | None = None
    partof: Organizations | None = None
    active: _Truth = None


class EndpointSearch(Search):
    """Where letters for people go."""

    narrowing = ("ids", "organization")
    organization: Organizations | None = None
    status: Literal["active", "suspended", "error", "off", "entered-in-error", "test"] | None = None
