"""How a clinician's question is understood.

Owns the step from what was typed to what the database is asked for, and the refusals of what cannot be understood.
Refuses a question that asks for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from typing import TypeVar
from uuid import UUID

from concord_formats.names import searchable

from services.chassis.problems import invalid_field

from ..rules import languages, questions, towns
from ..rules.people import is_npi
from ..rules.search import Asked
from ..rules.specialties import CodeList, SpecialtyName
from ..rules.tags import ACCEPTING, AGE, ENROLLED, LANGUAGE, SPECIALTY, TELEHEALTH, own_tag, plan_tag, tag
from ..rules.towns import AmbiguousTownError, Place, UnknownPlaceError
from .listing_criteria import Criteria

# Words of a name that are compared: nobody is called by more, and each costs.
MAX_WORDS = 8
Read = TypeVar("Read")


@dataclass(frozen=True)
class Wanted:
    """What to look for; every member given must match.

    `q` is free text. A specialty is a NUCC code or plain words, any of several will do. `organization` is an id or
    words of its name, `near` a town with its state or a ZIP code, `within_km` the distance from it.
    """

    q: str | None = None
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
    age: str | None = None
    enrolled: bool | None = None


@dataclass(frozen=True)
class Understood:
    """How a question was read."""

    npi: str | None = None
    name: str | None = None
    specialties: tuple[SpecialtyName, ...] = ()
    near: Place | None = None


def understand(
    wanted: Wanted, own: UUID | None, codes: CodeList, *, as_name: bool = False
) -> tuple[Criteria, Understood]:
    """What the database is asked for, and how the question was read. `as_name` takes all words of `q` for a name.

    Raises problem 422 that names the member: a place or a specialty that nobody knows, a wrong NPI, no criterion.
    """
    if not any(each not in (None, ()) for each in astuple(replace(wanted, within_km=None))):
        raise invalid_field("q", "say whom you look for: a name, a specialty, a place, or another criterion")
    read = _read(wanted.q, codes, as_name=as_name)
    near = _near("near", lambda: towns.place(wanted.near or "")) if wanted.near else read.near
    if wanted.within_km is not None and near is None:
        raise invalid_field("within_km", "say what it is near: a town with its state, or a ZIP code")
    chosen = frozenset[str]().union(*(_specialty(each, codes) for each in wanted.specialties))
    npi = _npi(wanted.npi) or read.npi
    criteria = Criteria(
        own=own,
        asked=Asked(_words("name", wanted.name), _organization_words(wanted), read.words[:MAX_WORDS]),
        npi=npi,
        tags=_tags(_groups(read.specialties, chosen), _said(wanted)),
        organization=_id(wanted.organization),
        near=near,
        km=wanted.within_km or read.within_km,
        telehealth=False if wanted.telehealth is False else None,
        accepting=False if wanted.accepting is False else None,
        enrolled=False if wanted.enrolled is False else None,
    )
    return criteria, _understood(criteria, read.specialties | chosen, codes)


def _understood(criteria: Criteria, specialties: frozenset[str], codes: CodeList) -> Understood:
    name = " ".join(criteria.asked.name + criteria.asked.either) or None
    return Understood(criteria.npi, name, tuple(codes.name(code) for code in sorted(specialties)), criteria.near)


def _read(q: str | None, codes: CodeList, *, as_name: bool) -> questions.Reading:
    if q is None:
        return questions.Reading()
    try:
        read = _near("q", lambda: questions.read(q, CodeList() if as_name else codes))
    except questions.NpiError:
        raise _no_npi("q") from None
    if read == questions.Reading():
        raise invalid_field("q", "must have a letter or a digit of what you look for")
    return read


def _near(field: str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except UnknownPlaceError:
        raise invalid_field(
            field, "no such place is known. Give a town with its state, as Springfield, MA, or a ZIP code"
        ) from None
    except AmbiguousTownError as error:
        listed = ", ".join(error.states)
        raise invalid_field(field, f"several states have a town of that name: {listed}. Add the state") from None


def _npi(npi: str | None) -> str | None:
    if npi is not None and not is_npi(npi):
        raise _no_npi("npi")
    return npi


def _no_npi(field: str) -> Exception:
    return invalid_field(field, "is no NPI: ten digits, of which the last is a check digit. Look for a typing error")


def _specialty(text: str, codes: CodeList) -> frozenset[str]:
    if not (meant := codes.meant(text)):
        raise invalid_field(
            "specialty", "is no specialty that is known here. Give a NUCC code such as 103T00000X, or other words"
        )
    return meant


def _words(field: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    if not (words := tuple(searchable(text).split())):
        raise invalid_field(field, "must have a letter or a digit")
    return words[:MAX_WORDS]


def _organization_words(wanted: Wanted) -> tuple[str, ...]:
    return () if _id(wanted.organization) else _words("organization", wanted.organization)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _tags(specialties: list[frozenset[str]], said: list[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Of each of these one. What is said only of the enrolled is looked for among them."""
    if said:
        specialties = [frozenset(map(own_tag, group)) for group in specialties]
    return (*specialties, *said)


def _groups(*specialties: frozenset[str]) -> list[frozenset[str]]:
    return [frozenset(tag(SPECIALTY, code) for code in codes) for codes in specialties if codes]


def _said(wanted: Wanted) -> list[frozenset[str]]:
    """What an owner must have said."""
    found = [flag for flag, holds in ((TELEHEALTH, wanted.telehealth), (ACCEPTING, wanted.accepting)) if holds]
    if wanted.enrolled:
        found.append(ENROLLED)
    if wanted.language is not None:
        if (code := languages.code(wanted.language)) is None:
            raise invalid_field("language", "give a BCP 47 code such as `es`, or an English name such as Spanish")
        found.append(tag(LANGUAGE, code))
    if wanted.age is not None:
        found.append(tag(AGE, wanted.age))
    if wanted.plan is not None:
        _words("plan", wanted.plan)
        found.append(plan_tag(wanted.plan))
    return [frozenset((each,)) for each in found]


__all__ = ["Understood", "Wanted", "understand"]
