"""How FHIR writes what is looked for: tokens, references, strings, several values with commas, and a circle.

Owns the reading of each into what the directory knows. Refuses other systems than those of NPIs and of NUCC codes, and
a name of a single letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from concord_formats.names import searchable
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from ..rules.people import is_npi, is_taxonomy

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
TAXONOMY_SYSTEM = "http://nucc.org/provider-taxonomy"
MOST_VALUES = 20
MOST_CHARACTERS = 200
# As many as a token, a reference or a list of them can have: twenty systems, bars and codes.
_MOST_LISTED = 2000
# As far as somebody drives, where the question does not say; and as far as a question goes.
NEAR_KM, MOST_KM = 40.0, 300.0
KM_A_MILE = 1.609347  # the mile of the US survey, UCUM `[mi_us]`
# A single letter would be the beginning of half of all names.
LEAST_CHARACTERS = 2
_COMMA = re.compile(r"(?<!\\),")
_DEGREES = r"(-?[0-9]{1,3}(?:\.[0-9]{1,15})?)"
_CIRCLE = re.compile(rf"{_DEGREES}\|{_DEGREES}(?:\|([0-9]{{1,3}}(?:\.[0-9]{{1,15}})?)?(?:\|(km|\[mi_us\])?)?)?")
_UNWRITTEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile(r"\\([\\,|$])")
Value = TypeVar("Value")


def _listed(text: object, most: int = _MOST_LISTED) -> list[str]:
    """The values of a parameter, any of which will do: commas between them, but not escaped ones (R4, Search)."""
    if not isinstance(text, str) or len(text) > most:
        raise PydanticCustomError("length", f"must be a text of at most {most} characters")
    if _UNWRITTEN.search(text):
        raise PydanticCustomError("characters", "must hold no control characters")
    values = [_ESCAPED.sub(r"\1", value).strip() for value in _COMMA.split(text)]
    if len(values) > MOST_VALUES:
        raise PydanticCustomError("values", f"must be at most {MOST_VALUES} values, with commas between them")
    return values


def _each(read: Callable[[str], Value]) -> Callable[[object], tuple[Value, ...]]:
    return lambda text: tuple(read(value) for value in _listed(text))


def _id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise PydanticCustomError("id", "must be an id of this server, which is a UUID") from None


def _reference(type_: str) -> Callable[[str], UUID]:
    return lambda value: _id(value.removeprefix(f"{type_}/"))


def _npi(value: str) -> str:
    number = value.removeprefix(f"{NPI_SYSTEM}|")
    if not is_npi(number):
        told = f"must be an NPI, ten digits of which the last is a check digit, with or without {NPI_SYSTEM}|"
        raise PydanticCustomError("npi", told)
    return number


def _taxonomy(value: str) -> str:
    code = value.removeprefix(f"{TAXONOMY_SYSTEM}|")
    if not is_taxonomy(code):
        told = f"must be a NUCC taxonomy code, such as 103T00000X, with or without {TAXONOMY_SYSTEM}|"
        raise PydanticCustomError("taxonomy", told)
    return code


@dataclass(frozen=True)
class Near:
    """A circle: its middle in degrees, its radius in kilometres."""

    lat: float
    lon: float
    km: float


def _near(text: object) -> Near:
    """`latitude|longitude|distance|units` (R4, Location); without a distance a drive, without units kilometres."""
    found = _CIRCLE.fullmatch(str(text))
    if found is not None:
        lat, lon, far = float(found[1]), float(found[2]), float(found[3] or NEAR_KM)
        km = far * KM_A_MILE if found[4] == "[mi_us]" else far
        if abs(lat) <= 90 and abs(lon) <= 180 and 0 < km <= MOST_KM:
            return Near(lat, lon, km)
    told = f"must be latitude|longitude|distance|km or [mi_us], in degrees, and at most {MOST_KM:.0f} km"
    raise PydanticCustomError("near", told)


def _names(text: object) -> tuple[str, ...]:
    values = _listed(text, MOST_CHARACTERS)
    if any(len(searchable(value)) < LEAST_CHARACTERS for value in values):
        raise PydanticCustomError("name", f"must be at least {LEAST_CHARACTERS} letters or digits")
    return tuple(values)


def _text(**more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _MOST_LISTED} | more, mode="validation")


Ids = Annotated[tuple[UUID, ...], BeforeValidator(_each(_id)), _text()]
Practitioners = Annotated[tuple[UUID, ...], BeforeValidator(_each(_reference("Practitioner"))), _text()]
Organizations = Annotated[tuple[UUID, ...], BeforeValidator(_each(_reference("Organization"))), _text()]
Npis = Annotated[tuple[str, ...], BeforeValidator(_each(_npi)), _text()]
Specialties = Annotated[tuple[str, ...], BeforeValidator(_each(_taxonomy)), _text()]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), _text(maxLength=MOST_CHARACTERS)]
Beginning = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\u0000-\u001f\u007f]+$")]
Circle = Annotated[Near, BeforeValidator(_near), _text(pattern=f"^{_CIRCLE.pattern}$", maxLength=100)]
