"""What a line of the NPPES file says: a person or an organization that can be found, or one that is no more.

Owns the columns that are needed, and how the entry is made of them: its name as people write it, the words by which it
is found, its place. Refuses the mailing address, which may be somebody's home.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from concord_formats.names import searchable

from ..rules.people import is_taxonomy
from ..rules.places import NOWHERE, cell, where
from ..rules.words import words_of

INDIVIDUAL, ORGANIZATION = "individual", "organization"
_KINDS = {"1": INDIVIDUAL, "2": ORGANIZATION}
_AT = "Business Practice Location Address"
NEEDED = {
    "npi": "NPI",
    "kind": "Entity Type Code",
    "legal": "Provider Organization Name (Legal Business Name)",
    "last": "Provider Last Name (Legal Name)",
    "first": "Provider First Name",
    "middle": "Provider Middle Name",
    "suffix": "Provider Name Suffix Text",
    "other_legal": "Provider Other Organization Name",
    "other_last": "Provider Other Last Name",
    "other_first": "Provider Other First Name",
    "line": f"Provider First Line {_AT}",
    "line_2": f"Provider Second Line {_AT}",
    "city": f"Provider {_AT} City Name",
    "state": f"Provider {_AT} State Name",
    "postal_code": f"Provider {_AT} Postal Code",
    "country": f"Provider {_AT} Country Code (If outside U.S.)",
    "phone": f"Provider {_AT} Telephone Number",
    "enumerated": "Provider Enumeration Date",
    "updated": "Last Update Date",
    "deactivated": "NPI Deactivation Date",
    "reactivated": "NPI Reactivation Date",
    "parent": "Parent Organization LBN",
}
"""What is read of a line, and the columns it stands in."""

SPECIALTIES = tuple(f"Healthcare Provider Taxonomy Code_{n}" for n in range(1, 16))
# As long as the columns of `listing`.
LONGEST = {"line": 200, "city": 100, "state": 40, "postal_code": 20, "phone": 40, "name": 300, "parent": 300}


class RowError(ValueError):
    """A line that cannot be used: the message says why. `npi` where it can be read."""

    def __init__(self, reason: str, npi: str | None = None) -> None:
        super().__init__(reason)
        self.npi = npi


@dataclass(frozen=True, slots=True)
class Record:
    """Somebody who can be found. `words` are as in `models.Listing`; `changed_at` is None where nobody wrote it."""

    npi: str
    kind: str
    name: str
    words: str
    organization_name: str | None
    organization_words: str
    line: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    phone: str | None
    place: tuple[float, float] | None
    specialties: tuple[str, ...]
    changed_at: datetime | None

    @property
    def cell(self) -> int:
        """The square of its place, `NOWHERE` where that is not known."""
        return cell(*self.place) if self.place else NOWHERE


@dataclass(frozen=True, slots=True)
class Deactivated:
    """An NPI that is not in use any more: NPPES keeps nothing of it but the date."""

    npi: str


def record_of(said: dict[str, str], codes: Iterable[str], changed_at: datetime | None) -> Record:
    """The record that the values of a line make, by the names of `NEEDED`. Raises `RowError`."""
    kind = _KINDS.get(said["kind"])
    if kind is None:
        raise RowError(f"{NEEDED['kind']}: neither 1 nor 2")
    name, others = _names(kind, said)
    parent = said["parent"] if kind == ORGANIZATION else ""
    postal_code, place = _postal(said["postal_code"], said["country"])
    return Record(
        npi=said["npi"],
        kind=kind,
        name=name,
        words=words_of(name, *others),
        organization_name=parent or None,
        organization_words=words_of(name, *others, parent) if kind == ORGANIZATION else "",
        line=_line(said),
        city=_in_case(said["city"]) or None,
        state=said["state"] or None,
        postal_code=postal_code or None,
        phone=_phone(said["phone"]) or None,
        place=place,
        specialties=_specialties(codes),
        changed_at=changed_at,
    )


def _names(kind: str, said: dict[str, str]) -> tuple[str, list[str]]:
    """The name that is shown, and those by which it is found besides: what it was called before, or trades as."""
    if kind == ORGANIZATION:
        name, others = said["legal"], [said["other_legal"]]
    else:
        parts = (_in_case(said["first"]), _in_case(said["middle"]), _in_case(said["last"]), _suffix(said["suffix"]))
        name, others = " ".join(part for part in parts if part), [said["other_first"], said["other_last"]]
    if not searchable(name):
        raise RowError("name: nothing of it can be read")
    if len(name) > LONGEST["name"]:
        raise RowError(f"name: longer than {LONGEST['name']} characters")
    return name, others


_LETTERS = re.compile(r"[^\W\d_]+(?:['’]S\b)?")


def _in_case(text: str) -> str:
    """NPPES writes in capitals: `MARY-ANN O'BRIEN` is `Mary-Ann O'Brien`. What has small letters stays as it is."""
    return _LETTERS.sub(_capitalized, text) if text.isupper() else text


def _capitalized(word: re.Match[str]) -> str:
    text = word[0]
    if text.startswith("MC") and len(text) > 4:
        return f"Mc{text[2:].capitalize()}"
    return text.capitalize()


def _suffix(text: str) -> str:
    return text if set(text) <= set("IVX") else _in_case(text)


def _line(said: dict[str, str]) -> str | None:
    line = ", ".join(part for part in (said["line"], said["line_2"]) if part)
    if len(line) > LONGEST["line"]:
        raise RowError(f"{NEEDED['line']}: longer than {LONGEST['line']} characters")
    return line or None


def _postal(code: str, country: str) -> tuple[str, tuple[float, float] | None]:
    """A postal code as it is written, and where it is. Five digits outside of the United States are no ZIP code."""
    if country not in ("", "US"):
        return code, None
    plain = code.replace("-", "")
    written = f"{plain[:5]}-{plain[5:]}" if len(plain) == 9 else plain
    return written, where(plain[:5])


def _phone(text: str) -> str:
    return f"{text[:3]}-{text[3:6]}-{text[6:]}" if re.fullmatch(r"\d{10}", text, re.ASCII) else text


def _specialties(codes: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for column, text in zip(SPECIALTIES, codes, strict=True):
        code = text.strip()
        if code and not is_taxonomy(code):
            raise RowError(f"{column}: not a taxonomy code")
        if code:
            found[code] = None
    return tuple(found)
